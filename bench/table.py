"""The figures as a table: for the terminal, for results.json, and between the markers in docs/performance.md."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.figures import Figure, Measured
from bench.goals import GOALS
from bench.timeline import timeline

DOC = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
QUIET_LOAD = 0.5
"""Above it other programs had the processors too: figures are then larger, and differences may be of any sign."""

BEGIN, END = "<!-- the table begins: `make bench` writes it -->", "<!-- the table ends -->"


def figure(told: Mapping[str, Any]) -> Figure:
    """A figure out of its fields."""
    return Figure(**told)


def collected(found: Mapping[str, Measured]) -> dict[str, Any]:
    """All families as results.json has them: their sizes, the figures with goals, and what was left out."""
    figures = {one.name: _kept(one) for measured in found.values() for one in measured.figures}
    left_out = {name: why for measured in found.values() for name, why in measured.left_out.items()}
    sizes = {name: measured.sizes for name, measured in found.items()}
    return {"sizes": sizes, "figures": figures, "left_out": left_out}


def _kept(one: Figure) -> dict[str, Any]:
    kept: dict[str, Any] = {"value": _rounded(one.value), "unit": one.unit}
    if one.low is not None and one.high is not None:
        kept |= {"low": _rounded(one.low), "high": _rounded(one.high)}
    if goal := GOALS.get(one.name):
        kept |= {"goal": str(goal), "met": goal.is_met(one.value)}
    return kept


def _rounded(value: float) -> float:
    return round(value, 3)


def rows(results: Mapping[str, Any]) -> list[str]:
    """The lines for a terminal."""
    lines = [
        f"{results['machine']}; Node.js {results['node']}; {results['at']}; {results['seconds']} s; {_busy(results)}"
    ]
    lines += [
        f"{name:<32} {cells[0]:>9} {cells[1]:<4} {cells[2]:<18} {cells[3]:<10} {cells[4]}"
        for name, one in results["figures"].items()
        for cells in [_cells(one)]
    ]
    return lines + [f"{name:<32} left out: {why}" for name, why in results["left_out"].items()]


def markdown(results: Mapping[str, Any]) -> str:
    """What stands between the markers: where it was measured, table and time line, and what was left out."""
    facts = f"Node.js {results['node']}, SQLite {results['sqlite']}, commit {results['commit']}"
    lines = [
        f"Measured at {results['at']} on {results['machine']}; {facts}; sandbox: {_tier(results)}; {_busy(results)}.",
        "",
    ]
    lines += ["| figure | value | 10 % – 90 % | goal | |", "|---|---:|---|---|---|"]
    for name, one in results["figures"].items():
        value, unit, spread, goal, verdict = _cells(one)
        lines.append(f"| `{name}` | {value} {unit} | {spread} | {goal} | {verdict} |")
    lines += ["", "```", *timeline(results["figures"]), "```"]
    left_out = [f"Left out: `{name}`, since {why}." for name, why in results["left_out"].items()]
    return "\n".join([*lines, *([""] if left_out else []), *left_out])


def _busy(results: Mapping[str, Any]) -> str:
    load = results["load"]
    return f"load {load} before it began" + (": too busy for figures that mean much" if load > QUIET_LOAD else "")


def _tier(results: Mapping[str, Any]) -> str:
    return str(results["sizes"]["rate"]["tier"])


def _cells(one: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    spread = f"{_short(one['low'])} – {_short(one['high'])}" if "low" in one else ""
    verdict = "" if "met" not in one else "met" if one["met"] else "missed"
    return _short(one["value"]), one["unit"], spread, one.get("goal", ""), verdict


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def with_table(text: str, results: Mapping[str, Any]) -> str:
    """`text` with the results' table between its markers. Raises ValueError if it has none."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the markers of the table are missing")
    return f"{before}{BEGIN}\n{markdown(results)}\n{END}{after}"


def write(results: Mapping[str, Any]) -> None:
    """Put the table into docs/performance.md."""
    DOC.write_text(with_table(DOC.read_text(), results))
