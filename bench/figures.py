"""What a measurement brings: a name, a number with its unit, its spread, and the goal that it is held against."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number; `low` and `high` are the 10th and 90th percentile where it is a median of several."""

    name: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    goal: str = ""

    @property
    def row(self) -> str:
        """One line of the table."""
        spread = "" if self.low is None else f"{self.low:.1f} – {self.high:.1f}"
        return f"{self.name:<28} {self.value:>10.2f} {self.unit:<6} {spread:<18} {self.goal}"


def middle(name: str, values: Sequence[float], unit: str, goal: str = "") -> Figure:
    """The median of several values, with their spread."""
    tenths = quantiles(values, n=10)
    return Figure(name=name, value=median(values), unit=unit, low=tenths[0], high=tenths[-1], goal=goal)
