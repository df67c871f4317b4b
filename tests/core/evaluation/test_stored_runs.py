"""Runs go into the history and come back with all that curves and queries need."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from qaconv_core.evaluation.curves import cmc_csv
from qaconv_core.evaluation.reports import report_json
from qaconv_core.evaluation.stored_runs import (
    query_paths_of_run,
    report_of_run,
    root_of_run,
    run_document,
    short_document,
)
from qaconv_core.store.runs import RunHistory
from qaconv_core.types import EvaluationCounts
from tests.core.records import make_report


def test_a_run_comes_back_as_it_was(tmp_path):
    report = make_report()
    paths = ["query/a.jpg", "query/é 人.jpg", "query/\udcff.jpg"]
    history = RunHistory(tmp_path / "runs.sqlite")
    number = history.add(run_document(report, paths, "/sets/demo"))
    stored = history.get(number).report
    back = report_of_run(stored)
    assert report_json(back, per_query=True) == report_json(report, per_query=True)
    assert query_paths_of_run(stored) == tuple(paths)
    assert root_of_run(stored) == "/sets/demo"
    for was, now in zip(report.results, back.results, strict=True):
        np.testing.assert_array_equal(was.cmc, now.cmc)
        np.testing.assert_array_equal(was.ap, now.ap)


def test_a_run_stored_by_an_earlier_version_is_read_and_written_as_it_was():
    text = (Path(__file__).parent / "stored_run.json").read_text(encoding="utf-8")
    stored = json.loads(text)
    report = report_of_run(stored)
    assert report.counts == EvaluationCounts(242, 766, 242, 1)
    assert report.protocol.rerank == {"k1": 20, "k2": 6, "lambda": 0.3, "over": "the whole gallery"}
    assert report.protocol.approximations == ()
    assert report.checkpoint.epoch is None
    again = run_document(report, query_paths_of_run(stored), root_of_run(stored))
    assert json.dumps(again, indent=1, ensure_ascii=False) + "\n" == text


def test_a_run_of_an_older_program_lacks_only_what_it_did_not_keep():
    report = make_report()
    back = report_of_run(json.loads(json.dumps(report_json(report))))
    for was, now in zip(report.results, back.results, strict=True):
        for k in (1, 5, 10, 20):
            assert now.rank(k) == was.rank(k)
        assert math.isnan(now.rank(2))
        assert now.mAP == was.mAP
        assert len(now.ap) == 0


@pytest.mark.parametrize(
    "document", [{}, {"results": "no", "counts": 3, "notes": None}, {"results": [1, {}]}]
)
def test_a_strange_document_is_an_empty_report(document):
    report = report_of_run(document)
    assert all(math.isnan(result.mAP) for result in report.results)
    assert query_paths_of_run(document) == ()
    assert root_of_run({**document, "root": 3}) == ""


def test_the_short_form_has_no_long_lists():
    document = run_document(make_report(), ["a"])
    document["separation"]["operating"] = {"thresholds": [0.0] * 1000}
    short = short_document(document)
    text = json.dumps(short)
    for word in ("cmc", '"ap": [', "query_paths", "operating"):
        assert word not in text
    assert short["results"][0]["rank1"] == document["results"][0]["rank1"]


def test_curves_as_numbers():
    reports = [make_report("a"), make_report("b")]
    lines = cmc_csv(reports).splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert len(rows) == 2 * 3 * 25
    first = [r for r in rows if r["dataset"] == "b" and r["method"] == "qaconv" and r["k"] == "5"]
    assert float(first[0]["cmc"]) == reports[1].results[0].cmc[4]
