"""The record of a run as text."""

from __future__ import annotations

from typing import Any

from qaconv_core.device import format_bytes


def bench_text(record: dict[str, Any]) -> str:
    """Everything measured, a line for each thing and its baselines indented below it."""
    machine, peaks = record["machine"], record["peaks"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    rates = [f"{name} {rate:,.0f} GFLOP/s" for name, rate in peaks.items() if name != "memory"]
    lines = [
        f"{machine['device']}; {machine['system']}; {versions}",
        f"peaks measured: {', '.join(rates)}; memory {peaks['memory']:,.0f} GB/s",
    ]
    for title, figures in record["parts"].items():
        lines += ["", title]
        for figure in figures:
            lines += _figure_lines(figure)
    return "\n".join(lines) + "\n"


def _figure_lines(figure: dict[str, Any]) -> list[str]:
    timing = figure["timing"]
    told = [f"  {figure['name']} ({_sizes(figure['sizes'])}): {_seconds(timing)}"]
    if "gflops" in figure:
        told.append(f"{figure['gflops']:,.0f} GFLOP/s")
    if "share_of_peak" in figure:
        told.append(f"{figure['share_of_peak']:.0%} of the {figure['peak']} peak")
    if figure["extra_bytes"] is not None:
        told.append(f"{format_bytes(figure['extra_bytes'])} more memory")
    told += [f"{name.replace('_', ' ')} {_fact(value)}" for name, value in figure["facts"].items()]
    lines = ["; ".join(told)]
    for name, baseline in figure["baselines"].items():
        lines.append(f"      {baseline['ratio']:6.1f} × {name} ({_seconds(baseline)})")
    return lines


def _sizes(sizes: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sizes.items())


def _seconds(timing: dict[str, Any]) -> str:
    spread = f"{timing['least']:.3f}–{timing['most']:.3f}, {len(timing['runs'])} runs"
    return f"{timing['median']:.3f} s ({spread})"


def _fact(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_fact(one)}" for name, one in value.items())
    return f"{value:.3g}" if isinstance(value, float) else str(value)
