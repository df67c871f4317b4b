"""Errors and explanation checks come back at the next start, of the same set and model alone."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from app.jobs import engine
from app.jobs.insight_jobs import check_explanations, find_errors
from app.jobs.job import JobContext
from app.jobs.kept_findings import findings_path, keep_findings, kept_findings
from qaconv_core.galleries.search import open_search
from qaconv_core.progress import CancelToken
from tests.app.real import tiny_model
from tests.app.test_insights import misleading_market


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """A set with failures and its search."""
    monkeypatch.setenv("QACONV_DATA_DIR", str(tmp_path / "own"))
    context = JobContext(lambda _: None, CancelToken())
    model = engine.inspect_model(tiny_model(tmp_path), context).model
    dataset = engine.inspect_data(misleading_market(tmp_path), context).dataset
    return open_search(model, engine.open_set(dataset), None)[0], context


def test_findings_come_back(opened):
    matching, context = opened
    errors, checks = find_errors(matching, 2, context), check_explanations(matching, 3, context)
    assert errors.analysis.errors
    assert kept_findings(matching, "failures") is None
    keep_findings(matching, "failures", errors)
    keep_findings(matching, "trust", checks)
    again = kept_findings(matching, "failures")
    assert again.analysis.to_dict() == errors.analysis.to_dict()
    assert again.analysis.gallery == errors.analysis.gallery
    assert again.averages.keys() == errors.averages.keys()
    for name, picture in errors.averages.items():
        np.testing.assert_array_equal(again.averages[name], picture)
    known = kept_findings(matching, "trust")
    assert known.report.to_dict() == checks.report.to_dict()
    assert (known.pairs, known.labelled) == (3, checks.labelled)
    other = replace(matching.data, gallery=matching.data.gallery.select([1, 0, *range(2, 26)]))
    matching.data = other
    assert kept_findings(matching, "failures") is None


@pytest.mark.parametrize("damage", ["query", "grid", "text"])
def test_damaged_findings_are_put_aside(opened, damage, caplog):
    matching, context = opened
    keep_findings(matching, "failures", find_errors(matching, 2, context))
    path = findings_path(matching, "failures", write=False)
    record = json.loads(path.read_text())
    if damage == "query":
        record["found"]["errors"][0]["query"] = 999
    elif damage == "grid":
        record["found"]["grid"] = [1, 1]
    path.write_text("{" if damage == "text" else json.dumps(record))
    assert kept_findings(matching, "failures") is None
    assert path.with_name(f"{path.name}.damaged").exists()
    assert [str(path) in line for line in caplog.messages] == [True]
    caplog.clear()
