"""The record of a run as text."""

from __future__ import annotations

from typing import Any

from qaconv_core.bench.busy import load_words
from qaconv_core.device import format_bytes


def bench_text(record: dict[str, Any]) -> str:
    """Everything measured, a line for each thing, its baselines and aims indented below it."""
    lines = [machine_line(record), peaks_line(record), load_line(record)]
    for title, figures in record["parts"].items():
        lines += ["", title]
        for figure in figures:
            lines += _figure_lines(figure)
    if record.get("left_out"):
        lines += ["", f"not measured: {', '.join(record['left_out'])}"]
    lines += ["", aims_line(record)]
    return "\n".join(lines) + "\n"


def machine_line(record: dict[str, Any]) -> str:
    """Device, system, versions."""
    machine = record["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return f"{machine['device']}; {machine['system']}; {versions}"


def peaks_line(record: dict[str, Any]) -> str:
    """What the machine reached at most."""
    peaks = dict(record["peaks"])
    memory = peaks.pop("memory", 0.0)
    rates = [f"{name} {rate:,.0f} GFLOP/s" for name, rate in peaks.items()]
    return f"peaks measured: {', '.join(rates)}; memory {memory:,.0f} GB/s" if rates else ""


def load_line(record: dict[str, Any]) -> str:
    """How busy the machine was; "" where nothing is known of it."""
    return load_words(record.get("load", {}), record["machine"]["cores"], record.get("others"))


def all_aims(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The aims of everything measured, in order."""
    return [aim for figures in record["parts"].values() for one in figures for aim in one["aims"]]


def aims_line(record: dict[str, Any]) -> str:
    """How many aims are met."""
    aims = all_aims(record)
    if not aims:
        return "aims: none at these sizes"
    return f"aims: {sum(aim['met'] for aim in aims)} of {len(aims)} met"


def aim_words(aim: dict[str, Any]) -> tuple[str, str, str]:
    """(aim, found, "met" or "NOT MET")."""
    sign = "≤" if aim["at_most"] else "≥"
    unit = aim["unit"]
    return (
        f"{sign} {aim['wanted']:,.4g} {unit}",
        f"{aim['found']:,.3g} {unit}" if aim["found"] < 1000 else f"{aim['found']:,.0f} {unit}",
        "met" if aim["met"] else "NOT MET",
    )


def shares(figure: dict[str, Any]) -> list[str]:
    """Rates, and their shares of the machine's peaks."""
    words = []
    if "gflops" in figure:
        words.append(f"{figure['gflops']:,.0f} GFLOP/s")
    if "share_of_peak" in figure:
        words.append(f"{figure['share_of_peak']:.0%} of the {figure['peak']} peak")
    if "gbytes" in figure:
        words.append(f"{figure['gbytes']:,.2g} GB/s")
    if "share_of_memory" in figure:
        words.append(f"{figure['share_of_memory']:.0%} of the memory peak")
    return words


def fact_words(facts: dict[str, Any]) -> list[str]:
    """``rescored 64``, ``recall of the exact 20: 20: 0.9, …``."""
    return [f"{name.replace('_', ' ')} {_fact(value)}" for name, value in facts.items()]


def _figure_lines(figure: dict[str, Any]) -> list[str]:
    words = [f"  {figure['name']} ({_sizes(figure['sizes'])}): {_seconds(figure['timing'])}"]
    words += shares(figure)
    if figure["extra_bytes"] is not None:
        words.append(f"{format_bytes(figure['extra_bytes'])} more memory")
    words += fact_words(figure["facts"])
    lines = ["; ".join(words)]
    for name, baseline in figure["baselines"].items():
        taken = figure["baseline_bytes"].get(name)
        memory = f", {format_bytes(taken)} more memory" if taken is not None else ""
        lines.append(f"      {baseline['ratio']:6.1f} × {name} ({_seconds(baseline)}{memory})")
    for aim in figure["aims"]:
        wanted, found, verdict = aim_words(aim)
        lines.append(f"      aim {wanted}: {found}, {verdict} ({aim['what']})")
    return lines


def _sizes(sizes: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sizes.items())


def _seconds(timing: dict[str, Any]) -> str:
    count = len(timing["runs"])
    spread = f"{timing['least']:.3f}–{timing['most']:.3f}, {count} runs" if count > 1 else "1 run"
    return f"{timing['median']:.3f} s ({spread})"


def _fact(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_fact(one)}" for name, one in value.items())
    return f"{value:.3g}" if isinstance(value, float) else str(value)
