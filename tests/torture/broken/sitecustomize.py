"""Breaks one promise of the program on purpose: the one that $TORTURE_BREAKS names. Python runs it in each process.

What the torture must find, or it is worth nothing (`make torture ARGS=--meta`).
"""

import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def without_unique_key(_schema: Any) -> None:
    """One moment may have any number of rows."""
    import sqlalchemy

    original = sqlalchemy.UniqueConstraint

    def harmless(*columns: Any, **named: Any) -> Any:
        tick = ("cron_job_id", "scheduled_for", "attempt")
        return original(*columns, *(["id"] if columns == tick else []), **named)

    sqlalchemy.UniqueConstraint = harmless  # type: ignore[assignment,misc]


def advance_apart(ticks: Any) -> None:
    """The advance of next_run_at commits before the rows that it stands for."""
    settle = ticks.settle

    def in_two_steps(connection: Any, plans: Any, now: Any) -> int:
        for made in plans:
            of_this = ticks.t.cron_jobs.c.id == made.job.id
            connection.execute(ticks.update(ticks.t.cron_jobs).where(of_this).values(next_run_at=made.next_run_at))
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return int(settle(connection, plans, now))

    ticks._unchanged = lambda _connection, plans: list(plans)
    ticks.settle = in_two_steps


def without_fence(claiming: Any) -> None:
    """Whoever once had a run may write into it."""
    claiming.mine = lambda run_id, _fence: claiming.t.runs.c.id == run_id


def deferred(database: Any) -> None:
    """A writer takes SQLite's lock only when it writes: then it is refused at once if somebody was quicker."""
    original = database.Database.__init__

    def begin(self: Any, url: str) -> None:
        original(self, url)
        self._writer = self.engine.execution_options(hexasched_begin="DEFERRED")

    database.Database.__init__ = begin


BREAKS: dict[str, dict[str, Callable[[Any], None]]] = {
    "unique": {"hexasched.store.schema": without_unique_key},
    "advance": {"hexasched.store.ticks": advance_apart},
    "fence": {"hexasched.store.claiming": without_fence},
    "deferred": {"hexasched.store.database": deferred},
}


class Breaker(MetaPathFinder):
    """Changes a module right after it was loaded."""

    def __init__(self, changes: dict[str, Callable[[Any], None]]) -> None:
        self._changes = changes

    def find_spec(self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None) -> ModuleSpec | None:
        """The module's own spec with a loader that changes it; None for all other modules."""
        change = self._changes.pop(name, None)
        spec = importlib.util.find_spec(name) if change else None
        if change is None or spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def load_and_change(module: ModuleType) -> None:
            load(module)
            change(module)

        spec.loader.exec_module = load_and_change  # type: ignore[method-assign]
        return spec


if named := os.environ.get("TORTURE_BREAKS"):
    sys.meta_path.insert(0, Breaker(dict(BREAKS[named])))
