"""The bounds that figures are held against: a figure that misses its goal is told, and is no error."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """`bound` in the figure's unit, at most or at least."""

    sign: str
    bound: float

    def is_met(self, value: float) -> bool:
        """Whether `value` is on the right side of the bound."""
        return value <= self.bound if self.sign == "≤" else value >= self.bound

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}"


GOALS = {
    "isolation_added_ms": Goal("≤", 10),
    "warm_run_ms": Goal("≤", 15),
    "warm_run_ratio": Goal("≤", 0.5),
    "cold_run_ratio": Goal("≤", 1.8),
    "reuse_run_ms": Goal("≤", 5),
    "isolated_to_bare_ratio": Goal("≥", 0.6),
    "isolated_to_composition_ratio": Goal("≥", 0.85),
    "reuse_per_s": Goal("≥", 800),
    "fire_lag_ms": Goal("≤", 15),
    "fire_lag_p99_ms": Goal("≤", 50),
    "fire_lag_30_ms": Goal("≤", 150),
    "herd_1000_s": Goal("≤", 0.5),
    "herd_10000_s": Goal("≤", 3),
    "herd_stock_ratio": Goal("≥", 10),
    "idle_cpu_pct": Goal("≤", 1),
    "idle_then_fire_ms": Goal("≤", 50),
    "idle_pss_mb": Goal("≤", 200),
    "runs_page_ratio": Goal("≤", 2),
    "start_s": Goal("≤", 3),
}
