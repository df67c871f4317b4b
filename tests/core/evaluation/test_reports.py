"""Reports say the same numbers in every form, survive odd names, and always carry the protocol."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

import qaconv_core
from qaconv_core.errors import InputError
from qaconv_core.evaluation.formats import flat_text, latex_escape, plain, write_text
from qaconv_core.evaluation.protocol import package_version, protocol_record
from qaconv_core.evaluation.reports import (
    MEASURES,
    comparison_table,
    method_label,
    report_csv,
    report_json,
    report_latex,
    report_markdown,
    report_table,
    reports_json,
    runs_table,
)
from qaconv_core.readable import shown
from qaconv_core.store.runs import RunHistory
from qaconv_core.types import CheckpointRecord, MethodResult
from tests.core.records import make_report, make_result

FORMS = [report_table, report_csv, report_latex, report_markdown]
DISTRIBUTION = "qaconv-explorer"
ODD = "a_b%c&d#e$f{g}~^\\ |\x1b[31m\nx"


def test_json_has_the_documented_keys_and_values() -> None:
    document = report_json(make_report())
    assert set(document) >= {
        "dataset", "counts", "results", "protocol", "checkpoint", "device", "seconds",
    }  # fmt: skip
    assert document["counts"] == {"query": 3, "gallery": 1234, "valid_queries": 2}
    assert [r["method"] for r in document["results"]] == [
        "qaconv", "qaconv+rerank", "qaconv+rerank+tlift",
    ]  # fmt: skip
    first = document["results"][0]
    assert first["rank1"] == 0.5
    assert first["rank5"] == pytest.approx(0.5 + 0.5 * (4 / 24) ** 0.5)
    assert (first["mAP"], first["mINP"]) == (0.5, 0.25)
    assert document["seconds"] == 3.5
    assert document["seconds_by_stage"] == {"extraction": 1.5, "scoring": 2.0}
    assert document["rejected"] == [{"path": str(Path("a/Thumbs.db")), "reason": "not a picture"}]
    assert document["separation"]["edges"] == [0.0, None]
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_a_given_total_is_not_counted_twice() -> None:
    document = report_json(make_report(seconds={"total": 9.0, "scoring": 2.0}))
    assert document["seconds"] == 9.0
    assert document["seconds_by_stage"] == {"scoring": 2.0}


def test_per_query_ap_is_given_on_request_with_null_for_invalid_queries() -> None:
    assert "ap" not in report_json(make_report())["results"][0]
    assert report_json(make_report(), per_query=True)["results"][0]["ap"] == [0.5, 1.0, None]


def test_several_reports_make_a_list_in_json() -> None:
    assert isinstance(reports_json(make_report()), dict)
    both = reports_json([make_report(), make_report("market")])
    assert [document["dataset"] for document in both] == ["demo", "market"]


def test_numbers_that_do_not_exist() -> None:
    empty = MethodResult("qaconv", np.array([]), float("nan"), float("nan"), np.array([np.nan]))
    report = make_report(results=(empty,))
    assert all(report_json(report)["results"][0][name] is None for name in MEASURES)
    assert "nan" not in report_table(report).lower().replace("–", "")
    row = next(line for line in report_table(report).splitlines() if line.startswith("QAConv"))
    assert row.split()[1:] == ["–"] * 6
    assert report_latex(report).count("--") >= 6
    assert next(iter(_csv_rows(report_csv(report))))["mAP"] == ""


def test_table_shows_percent_counts_valid_queries_and_notes() -> None:
    text = report_table(make_report())
    assert "3 queries (2 valid), 1,234 gallery pictures" in text
    assert re.search(r"^QAConv +50\.0 +\d\d\.\d +\d\d\.\d +\d\d\.\d +50\.0 +25\.0$", text, re.M)
    assert "QAConv + re-ranking + TLift [1]" in text
    assert "[1] approximation: re-ranked the top 100 of each query only" in text
    assert "note: no times: TLift was left out" in text
    assert "note: one file was left out" in text


@pytest.mark.parametrize("form", FORMS)
def test_every_form_carries_protocol_checkpoint_and_approximation(form) -> None:
    text = form(make_report()).replace("\\", "")
    for word in (
        "step-wise", "valid queries", "pid and camid", "0123abcd", "torch", "numpy", "qaconv",
        "k1 20", "preprocessing: RGB", "top 100", "no times: TLift was left out",
    ):  # fmt: skip
        assert word in text, word


@pytest.mark.parametrize("form", FORMS)
def test_several_data_sets_share_what_they_share(form) -> None:
    other = make_report("duke", checkpoint=CheckpointRecord(path="other.pth.tar"))
    text = form([make_report(), other]).replace("\\", "")
    assert text.count("ties: in gallery order") == 1
    assert "demo: checkpoint: path best_model.pth.tar" in text.replace("_", "_")
    assert "duke: checkpoint: path other.pth.tar" in text


@pytest.mark.parametrize("form", FORMS)
def test_control_characters_never_reach_a_report(form) -> None:
    report = make_report(ODD, notes=(ODD,), checkpoint=CheckpointRecord(path=ODD))
    text = form(report)
    assert "\x1b" not in text
    assert len(form(report).splitlines()) == len(form(make_report("plain")).splitlines())


def _csv_rows(text: str) -> list[dict[str, str]]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


def test_csv_reads_back_exactly() -> None:
    name = '#"x", 100 %'
    report = make_report(name)
    rows = _csv_rows(report_csv([report, make_report()]))
    assert len(rows) == 6
    assert rows[0]["dataset"] == name
    assert rows[1]["approximation"] == report.results[1].approximation
    for row, result in zip(rows, report.results, strict=False):
        assert float(row["rank10"]) == result.rank(10)
        assert float(row["mINP"]) == result.mINP
        assert (row["query"], row["valid_queries"]) == ("3", "2")


def test_latex_is_balanced_and_escaped() -> None:
    text = report_latex([make_report(ODD), make_report("duke")])
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    assert body.count(r"\begin{tabular}") == body.count(r"\end{tabular}") == 1
    unescaped = re.sub(r"\\[{}\\$&#_%]", "", body)
    assert unescaped.count("{") == unescaped.count("}")
    assert unescaped.count("$") % 2 == 0
    assert "%" not in unescaped
    assert "#" not in unescaped
    rows = [line for line in body.splitlines() if "QAConv" in line]
    assert len(rows) == 6
    for row in rows:
        assert row.endswith(r"\\")
        assert len(re.findall(r"(?<!\\)&", row)) == 7
    assert latex_escape("a_b%c&d") == r"a\_b\%c\&d"
    assert latex_escape("✓ true, ✕ false") == r"$\surd$ true, $\times$ false"
    assert latex_escape("\\") == r"\textbackslash{}"
    assert r"QAConv + re-ranking$^{1}$" in text


def test_markdown_table_has_equal_columns() -> None:
    lines = report_markdown(make_report("a|b_c")).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {9}
    assert r"a\|b\_c" in table[2]


def test_method_labels() -> None:
    assert method_label("qaconv+rerank+tlift") == "QAConv + re-ranking + TLift"
    assert method_label("other-model+rerank") == "other-model + re-ranking"


def test_protocol_record_is_json_and_knows_versions_without_torch() -> None:
    record = protocol_record(
        ap="trapezoidal", junk=False, approximations=["x", "x"], layout="y"
    ).to_dict()
    assert json.loads(json.dumps(record)) == record
    assert record["ap"].startswith("trapezoidal")
    assert record["junk"].startswith("same-camera matches count")
    assert record["approximations"] == ["x"]
    assert record["layout"] == "y"
    assert record["versions"]["numpy"] == np.__version__
    assert record["versions"]["qaconv"] in (qaconv_core.__version__, package_version(DISTRIBUTION))
    assert package_version("no-such-distribution-here") == "unknown"


def test_plain_and_flat_text() -> None:
    value = {"a": np.float32(1.5), "b": (np.int64(2), float("inf")), 3: Path("x")}
    assert plain(value) == {"a": 1.5, "b": [2, None], "3": "x"}
    assert flat_text({"k1": 20, "on": True, "none": None, "l": [1, 2]}) == (
        "k1 20, on yes, none –, l 1, 2"
    )
    assert shown("a\nb\x1b\udcff") == r"a\nb\x1b\udcff"
    record = {"path": "a.tar", "adapted": "adapted without labels"}
    assert flat_text(record) == "path a.tar, adapted without labels"


def test_write_text_replaces_whole_files_only(tmp_path: Path) -> None:
    target = tmp_path / "é report.md"
    write_text(target, "one\n")
    write_text(target, "zwei – \udcff\n")
    assert target.read_text("utf-8") == "zwei – \\udcff\n"
    assert os.listdir(tmp_path) == [target.name]
    with pytest.raises(InputError, match="missing"):
        write_text(tmp_path / "missing" / "x.md", "")
    with pytest.raises(InputError, match="folder"):
        write_text(tmp_path, "")


def test_tables_of_the_run_history(tmp_path: Path) -> None:
    history = RunHistory(tmp_path / "runs.sqlite")
    history.add(report_json(make_report()))
    better = dataclasses.replace(make_report(), results=(make_result(first=0.6),))
    history.add(report_json(better))
    text = runs_table(history.list())
    assert re.search(r"^2 .*demo +QAConv +60\.0 +60\.0 +30\.0$", text, re.M)
    assert "QAConv + re-ranking (approximate)" in text
    compared = comparison_table(history.compare([1, 2]))
    assert re.search(r"^2 +best_model\.pth\.tar +demo +QAConv .*\+10\.0 +\+10\.0$", compared, re.M)


def test_counts_that_are_not_the_published_ones_stand_beside_the_name(tmp_path) -> None:
    subset = make_report("market")
    counts = subset.counts
    name = f"market (query {counts.query} of 3,368, gallery {counts.gallery:,} of 15,913)"
    assert name in report_table(subset)
    for form in (report_latex, report_markdown):
        assert f"{name} " in form(subset)  # in the table's row
    history = RunHistory(tmp_path / "runs.db")
    history.add(report_json(subset))
    assert name in runs_table(history.list())
    assert name in comparison_table(history.compare([1]))
    published = dataclasses.replace(counts, query=3368, gallery=15913)
    whole = dataclasses.replace(subset, counts=published)
    for form in (report_table, report_latex, report_markdown):
        assert " of 3,368" not in form(whole)
