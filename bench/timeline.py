"""The time line of one run as bars of text: where a warm and a cold one spend their time."""

from collections.abc import Mapping
from typing import Any

PHASES = {
    "asked": "the form is sent, until the run's row is made",
    "queued": "until a worker has claimed it",
    "starting": "until the first line of the handler",
    "ending": "until the store has the end",
    "seen": "until the caller has seen that",
}
WIDTH = 40


def timeline(figures: Mapping[str, Any]) -> list[str]:
    """A block of lines for each kind of run that was measured, all to one scale."""
    medians = {
        kind: {name: figures[f"phases_{kind}_{name}_ms"]["value"] for name in PHASES}
        for kind in ("warm", "cold", "reuse")
        if f"phases_{kind}_whole_ms" in figures
    }
    longest = max((sum(found.values()) for found in medians.values()), default=0)
    return [line for kind, found in medians.items() for line in _bars(kind, found, longest / WIDTH)]


def _bars(kind: str, found: Mapping[str, float], ms_a_column: float) -> list[str]:
    lines, begun = [f"{kind} ({sum(found.values()):.1f} ms)"], 0.0
    for name, took in found.items():
        first, behind = round(begun / ms_a_column), round((begun + took) / ms_a_column)
        bar = " " * first + ("█" * (behind - first) or "▏")
        lines.append(f"  {name:<9} {took:6.1f} ms  {bar:<{WIDTH + 1}} {PHASES[name]}")
        begun += took
    return lines
