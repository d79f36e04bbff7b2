"""What a measurement brings: numbers with unit and spread, the sizes they were taken at, and what was left out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any


class InvalidError(Exception):
    """A measurement whose runs are not all there, or not right: there is no number then."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number; `low` and `high` are the 10th and 90th percentile where it is a median of several."""

    name: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one family found. `sizes`: rounds, slots and the like; `left_out`: names of figures and why not."""

    figures: list[Figure]
    sizes: dict[str, Any] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def middle(name: str, values: Sequence[float], unit: str) -> Figure:
    """The median of two values or more, with their spread."""
    tenths = quantiles(values, n=10, method="inclusive")
    return Figure(name=name, value=median(values), unit=unit, low=tenths[0], high=tenths[-1])


def ratio(name: str, above: Sequence[float], below: Sequence[float]) -> Figure:
    """The median, over the rounds, of one value by the other of the same round."""
    return middle(name, [a / b for a, b in zip(above, below, strict=True)], "×")
