"""Runs as tables in a Markdown page, between two markers; beside it their numbers as JSON.

A run replaces the parts that it measured and leaves the others, so that a page can be put
together from a run of everything, one of the large parts and one on a GPU.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qaconv_core.bench.report import (
    aim_words,
    all_aims,
    fact_words,
    load_line,
    machine_line,
    peaks_line,
    shares,
)
from qaconv_core.device import format_bytes
from qaconv_core.errors import InputError
from qaconv_core.readable import json_text
from qaconv_core.store.atomic import atomic_write_text

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
Record = dict[str, Any]


def check_page(path: Path) -> None:
    """Raise :class:`InputError` unless ``path`` is a page that can take the tables."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise InputError(f"{path}: --write takes a Markdown page that exists ({cause})") from cause
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise InputError(f"{path}: --write needs the lines {BEGIN} and {END} in it, once each")


def write_page(path: Path, record: Record) -> None:
    """Put ``record`` between the markers of ``path``, beside the results of earlier runs."""
    check_page(path)
    numbers = path.with_suffix(".json")
    runs = merged(_earlier(numbers), record)
    head, rest = path.read_text(encoding="utf-8").split(BEGIN)
    tail = rest.split(END)[1]
    atomic_write_text(numbers, json_text({"runs": runs}, 1))
    atomic_write_text(path, f"{head}{BEGIN}\n{page_text(runs)}{END}{tail}")


def _earlier(path: Path) -> list[Record]:
    if not path.exists():
        return []
    try:
        runs = json.loads(path.read_text(encoding="utf-8"))["runs"]
        return [run for run in runs if run["parts"] and run["machine"]]
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise InputError(
            f"{path}: not the numbers of earlier runs ({cause}); remove it to begin anew"
        ) from cause


def merged(runs: list[Record], new: Record) -> list[Record]:
    """``runs`` without the parts that ``new`` measured on the same device, and ``new``."""
    kept = []
    for run in runs:
        same = run["machine"]["device"] == new["machine"]["device"]
        parts = {t: f for t, f in run["parts"].items() if not (same and t in new["parts"])}
        if parts:
            kept.append(run | {"parts": parts, "left_out": []})
    return [*kept, new]


def page_text(runs: list[Record]) -> str:
    """The aims of all runs, then each run: its machine, and a table for each part."""
    lines = aims_table(runs)
    for run in runs:
        lines += ["", *_run_lines(run)]
    return "\n".join(lines) + "\n"


def aims_table(runs: list[Record]) -> list[str]:
    """What was aimed for and what was found."""
    rows = [[aim["what"], *aim_words(aim)] for run in runs for aim in all_aims(run)]
    if not rows:
        return ["No aims are set for sizes as small as these."]
    return _table(["aim", "wanted", "found", ""], rows)


def _run_lines(run: Record) -> list[str]:
    quick = " Small sizes (`--quick`)." if run.get("sizes") == "quick" else ""
    lines = [
        f"{machine_line(run)}; {run['machine']['threads']} threads; {run['created'][:10]}.{quick}",
        "",
        f"{peaks_line(run)}.",
    ]
    if load := load_line(run):
        lines += ["", f"{load}."]
    for title, figures in run["parts"].items():
        lines += ["", f"**{title}**", "", *_part_lines(figures)]
    if run.get("left_out"):
        lines += ["", f"Stopped; not measured: {', '.join(run['left_out'])}."]
    return lines


def _part_lines(figures: list[Record]) -> list[str]:
    """One table: what all have in common above it, what is particular below."""
    common = {
        name: value
        for name, value in figures[0]["sizes"].items()
        if all(figure["sizes"].get(name) == value for figure in figures)
    }
    baselines = list(dict.fromkeys(name for figure in figures for name in figure["baselines"]))
    head = ["what", "seconds (least–most)", *(f"× {name}" for name in baselines)]
    head += ["rate, share of the peak", "more memory"]
    rows = [_row(figure, common, baselines) for figure in figures]
    lines = [f"{_words(common)}.", ""] if common else []
    lines += _table(head, rows)
    for figure in figures:
        if figure["facts"]:
            own = {k: v for k, v in figure["sizes"].items() if k not in common}
            label = f"{figure['name']}{f' ({_words(own)})' if own else ''}"
            lines += ["", f"{label}: {'; '.join(fact_words(figure['facts']))}."]
    return lines


def _row(figure: Record, common: dict[str, Any], baselines: list[str]) -> list[str]:
    own = {name: value for name, value in figure["sizes"].items() if name not in common}
    name = figure["name"] + (f", {_words(own)}" if own else "")
    ratios = []
    for baseline in baselines:
        found = figure["baselines"].get(baseline)
        taken = figure["baseline_bytes"].get(baseline)
        memory = f" ({format_bytes(taken)})" if taken is not None else ""
        ratios.append(f"{found['ratio']:.1f}{memory}" if found else "–")
    extra = figure["extra_bytes"]
    return [
        name,
        _spread(figure["timing"]),
        *ratios,
        ", ".join(shares(figure)) or "–",
        "–" if extra is None else format_bytes(extra),
    ]


def _spread(timing: dict[str, Any]) -> str:
    middle = _seconds(timing["median"])
    if len(timing["runs"]) < 2:
        return middle
    return f"{middle} ({_seconds(timing['least'])}–{_seconds(timing['most'])})"


def _seconds(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def _words(sizes: dict[str, Any]) -> str:
    return ", ".join(
        f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}"
        for name, value in sizes.items()
    )


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    ruler = ["---"] + ["---:"] * (len(head) - 1)
    return [f"| {' | '.join(cells)} |" for cells in (head, ruler, *rows)]
