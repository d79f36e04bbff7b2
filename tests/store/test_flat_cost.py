"""No page and no poll costs more as the history grows: each question is put to a planted history and its rows counted.

SQLite says which index it takes; PostgreSQL is asked how many rows it really looked at. Both on a history of modest
size that a page or poll would need far longer for if it passed by all of it.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from bench import pages
from hexasched.domain.gaps import Gap
from hexasched.domain.outcomes import ALERTING
from hexasched.secrets import KeyRing
from hexasched.store import (
    ahead,
    audit,
    claiming,
    coming,
    cron_jobs,
    downtimes,
    due_jobs,
    finishing,
    function_list,
    functions,
    health,
    history,
    holding,
    logs,
    outbox,
    retention,
    schema,
    whys,
    windows,
    work,
)
from hexasched.store import tables as t
from hexasched.store.claiming import Claim
from hexasched.store.database import Connection, Database
from hexasched.store.history import Filter
from tests import postgres
from tools.plant import plant

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
KEYS = KeyRing([(b"test", b"k" * 32)])
RUNS, CRON_JOBS = 20_000, 400
CLAIMED = [Claim(run_id=run_id, fence=1) for run_id in range(RUNS - 8, RUNS)]
FEW = 1500
"""Rows that one question may look at: a page of CronJobs with their last runs, or all that is due at once."""

OF_FEW = {
    index.name
    for table in t.metadata.tables.values()
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
}
"""Indexes with only what is going on or still to be done: to read all of one is right."""

MANY = ("runs", "log_chunks", "cron_jobs", "audit", "outbox")


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def planted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database with a history."""
    if request.param == "sqlite":
        yield from _planted(f"sqlite:///{tmp_path_factory.mktemp('planted')}/test.db")
        return
    with postgres.fresh_database(request.getfixturevalue("postgres_server")) as url:
        yield from _planted(url)


def _planted(url: str) -> Iterator[Database]:
    with Database(url) as database:
        schema.migrate(database)
        plant(database, runs=RUNS, cron_jobs=CRON_JOBS, now=NOW)
        yield database


def _questions(connection: Connection) -> dict[str, Callable[[], Any]]:
    """Everything that pages, the scheduler, workers and monitors ask again and again, by a name."""
    mine = 1
    job = cron_jobs.page(connection, mine, "job-00100", 1)[0]
    last = connection.execute(select(func.max(t.runs.c.id))).scalar_one()
    bad = history.history(connection, mine, Filter(statuses=tuple(ALERTING)), 1)[0]
    run = history.detail(connection, mine, bad.id)
    assert run
    gap = Gap(kind="stopped", from_at=NOW - timedelta(hours=1), to_at=NOW)
    found: dict[str, Callable[[], Any]] = {}
    for statuses in ((), ("missed",), ("running",), tuple(sorted(ALERTING))):
        for narrow in (Filter(), Filter(function_id=job.function_id), Filter(cron_job_id=job.id)):
            for before in (None, last // 2):
                wanted = replace(narrow, statuses=statuses, before=before)
                found[f"list {wanted}"] = partial(history.history, connection, mine, wanted, 51)
    found |= {
        "one run": lambda: history.detail(connection, mine, run.id),
        "its attempts": lambda: history.attempts(connection, run),
        "its log": lambda: [logs.newest(connection, "run", last, 9, count=9), logs.read(connection, "run", last)],
        "home: coming": lambda: cron_jobs.coming(connection, mine, NOW + timedelta(hours=1), 12),
        "home: how many": lambda: cron_jobs.count_coming(connection, mine, NOW + timedelta(hours=1), 100),
        "functions": lambda: function_list.overviews(connection, mine),
        "cron jobs": lambda: cron_jobs.page(connection, mine, "job-00100", 101),
        "their last runs": lambda: history.latest_of_cron_jobs(connection, mine, range(1, 101)),
        "names": lambda: cron_jobs.names(connection, mine, 500),
        "windows": lambda: windows.newest(connection, job.id),
        "why": lambda: whys.ask(connection, job, NOW - timedelta(minutes=1), NOW),
        "downtime": lambda: downtimes.effects(connection, mine, gap),
        "the strip": lambda: [health.look(connection, NOW), outbox.undelivered(connection, mine)],
        "alerts": lambda: outbox.deliveries(connection, mine),
        "audit": lambda: audit.entries(connection, mine),
        "audit of one kind": lambda: audit.entries(connection, mine, "logout"),
        "tick: look": lambda: ahead.look(connection, NOW + timedelta(minutes=1)),
        "tick: due": lambda: due_jobs.due(connection, NOW + timedelta(minutes=1), 2000),
        "notifier": lambda: [outbox.any_due(connection, NOW), outbox.take_due(connection, NOW, timedelta(minutes=1))],
        "warming": lambda: coming.about_to_fire(connection, NOW + timedelta(minutes=1), 20),
        "worker: look": lambda: claiming.any_due(connection, NOW),
        "worker: claim": lambda: claiming.claim(connection, "w1", 4, NOW),
        "worker: load": lambda: work.load_runs(connection, KEYS, CLAIMED),
        "worker: leases": lambda: [holding.running_leases(connection), holding.held_by(connection, "w1")],
        "worker: cancels": lambda: holding.to_cancel(connection, "w1"),
        "too late": lambda: finishing.expire(connection, NOW),
    }
    for sweep in retention.sweeps(NOW, timedelta(days=30)):
        found[f"cleaning: {sweep.name}"] = partial(sweep.find, connection, 0)
    return found


def _asked(database: Database, connection: Connection) -> Iterator[tuple[str, str, Any]]:
    """Each statement with what it was asked for, its text and its parameters."""
    heard: list[tuple[str, Any]] = []

    def hear(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        heard.append((statement, parameters))

    questions = _questions(connection)
    event.listen(database.engine, "before_cursor_execute", hear)
    try:
        for name, ask in questions.items():
            heard.clear()
            ask()
            yield from ((name, statement, parameters) for statement, parameters in list(heard))
    finally:
        event.remove(database.engine, "before_cursor_execute", hear)


def test_no_page_and_no_poll_passes_by_the_history(planted: Database) -> None:
    faults = _scans if planted.is_sqlite else _rows_looked_at
    with planted.engine.connect() as connection, connection.begin() as transaction:
        asked = list(_asked(planted, connection))
        found = {
            f"{name}: {fault}" for name, statement, given in asked for fault in faults(connection, statement, given)
        }
        transaction.rollback()
    assert len(asked) > 50
    told_of_each = ("downtime: SCAN cron_jobs", "functions: Seq Scan of cron_jobs")  # CronJobs, not runs
    passed = sorted(fault for fault in found if not fault.startswith(told_of_each))
    assert not passed, "\n".join(passed)


def _scans(connection: Connection, statement: str, parameters: Any) -> list[str]:
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
    scans = [row[3] for row in rows if any(f"SCAN {table}" in row[3] for table in MANY)]
    return [scan for scan in scans if not any(f" {name}" in scan for name in OF_FEW)]


def _rows_looked_at(connection: Connection, statement: str, parameters: Any) -> list[str]:
    if not statement.startswith("SELECT"):
        return []
    answer = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar_one()
    plans = answer if isinstance(answer, list) else json.loads(answer)
    return [
        f"{node['Node Type']} of {node['Relation Name']}, {rows} rows"
        for node, rows in _nodes(plans[0]["Plan"])
        if rows > FEW
    ]


def _nodes(node: dict[str, Any]) -> Iterator[tuple[dict[str, Any], float]]:
    """The nodes that read a table, each with how many rows it looked at."""
    if "Relation Name" in node:
        dropped = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        yield node, (node["Actual Rows"] + dropped) * node["Actual Loops"]
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def test_a_count_ends_where_more_would_tell_nothing(tmp_path: Path) -> None:
    with Database(f"sqlite:///{tmp_path}/test.db") as database:
        schema.migrate(database)
        plant(database, runs=history.COUNTED + 500, cron_jobs=5, now=NOW)
        with database.reading() as connection:
            found = history.counts(connection, 1, NOW - timedelta(days=365))
            day = history.counts(connection, 1, NOW - timedelta(days=1))
    assert sum(found.values()) == history.COUNTED
    assert 0 < sum(day.values()) < 200


def test_each_page_that_the_bench_compares_is_full_or_empty_also_with_a_short_history(database: Database) -> None:
    plant(database, runs=pages.FEW, cron_jobs=pages.CRON_JOBS, now=NOW, mix=pages.MIX, due_after=timedelta(days=30))
    with database.reading() as connection:
        function = functions.by_name(connection, 1, "function-0")
        assert function
        for narrow in (Filter(), Filter(function_id=function.id), Filter(cron_job_id=1)):
            counts = {
                status: len(history.history(connection, 1, replace(narrow, statuses=status), 51))
                for status in ((), ("failed",), ("timed_out",))
            }
            assert counts == {(): 51, ("failed",): 51, ("timed_out",): 0}
