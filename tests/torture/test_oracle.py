"""The oracle is independent of the product, reads cron as Debian does, and sees each kind of broken promise."""

import ast
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.torture import crontab
from tests.torture.evidence import Change, Evidence, Line, Row
from tests.torture.oracle import judge
from tests.unit import cron_reference
from tests.unit.cron_reference import Wanted, expressions

BEGIN = datetime(2026, 11, 23, 8, 0, 30, tzinfo=UTC)
CHANGES = ("2026-03-29T01:00", "2026-10-25T01:00", "2026-03-08T07:00", "2026-11-01T06:00", "2026-04-04T15:00")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")


@pytest.mark.parametrize("module", ["oracle", "evidence", "crontab"])
def test_it_imports_nothing_of_the_product(module: str) -> None:
    tree = ast.parse((Path(__file__).parent / f"{module}.py").read_text())
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    own = {name for name in imported if name.startswith("tests.")}
    assert own <= {"tests.torture.crontab", "tests.torture.evidence"}
    assert not {name.split(".")[0] for name in imported} & {"hexasched", "web", "workers", "sandbox", "cronsim"}


@settings(max_examples=25, deadline=None)
@given(wanted=expressions(hours=(0, 4)), zone=st.sampled_from(ZONES), change=st.sampled_from(CHANGES))
def test_its_two_readings_of_cron_agree_on_the_nights_of_changes(wanted: Wanted, zone: str, change: str) -> None:
    middle = datetime.fromisoformat(change).replace(tzinfo=UTC)
    after, until = middle - timedelta(hours=6), middle + timedelta(hours=6)
    assert crontab.due(wanted.text, zone, after, until) == cron_reference.due(wanted, zone, after, until)


def _ms(minute: int, second: float = 0) -> int:
    return round((BEGIN.replace(second=0).timestamp() + minute * 60 + second) * 1000)


def _run(number: int, minute: int, **other: object) -> Row:
    return {
        "id": number,
        "cron_job_id": 1,
        "scheduled_for": _ms(minute),
        "attempt": 1,
        "max_attempts": 2,
        "status": "succeeded",
        "reason": "ok",
        "created_at": _ms(minute, 0.1),
        "retry_of": None,
        "cancel_requested_at": None,
        "log_dropped_bytes": 0,
    } | other


def _lines(run: int, second: float, attempt: int = 1, stops: bool = True) -> list[Line]:
    told = [("start", 0), ("line", 1), *([("stop", 1)] if stops else [])]
    return [
        Line(run=run, attempt=attempt, job=1, what=what, line=line, at=round((second + step / 10) * 1e9))
        for step, (what, line) in enumerate(told)
    ]


def _log(run: int, fence: int = 1, text: str = "") -> Row:
    return {"run_id": run, "fence": fence, "seq": 20, "data": (text or f"run {run} line 1\n").encode()}


def _good() -> Evidence:
    """Five minutes: a run, a lost one with its retry, a final failure, a window of two."""
    runs = [
        _run(1, 1),
        _run(2, 2, status="lost", reason="worker_gone"),
        _run(3, 2, attempt=2, retry_of=2),
        _run(4, 3, status="failed", reason="error", max_attempts=1),
    ]
    return Evidence(
        tables={
            "runs": runs,
            "windows": [
                {"cron_job_id": 1, "from_at": _ms(4), "to_at": _ms(5), "count": 2, "reason": "paused"},
            ],
            "cron_jobs": [{"id": 1, "concurrency_policy": "Forbid"}],
            "logs": [_log(1), _log(2), _log(3), _log(4)],
            "outbox": [{"dedupe_key": "run-4", "message_id": "<a>", "sent_at": 1, "dead_at": None, "kind": "run"}],
        },
        refusals=[],
        changes=[
            Change(cron_job=1, at=BEGIN, expression="* * * * *", zone="UTC"),
            Change(cron_job=1, at=BEGIN + timedelta(minutes=5), expression=None, zone="UTC"),
        ],
        ledger=[*_lines(1, 1), *_lines(2, 2, stops=False), *_lines(3, 3, attempt=2), *_lines(4, 4)],
        log="2026-11-23T08:00:00.000Z info scheduler tick\n",
        mails=Counter({"<a>": 2}),
    )


def test_it_has_nothing_against_a_service_that_kept_its_promises() -> None:
    assert judge(_good()) == []


def _rows(change: Callable[[dict[str, list[Row]]], object]) -> Callable[[Evidence], Evidence]:
    def changed(good: Evidence) -> Evidence:
        tables = deepcopy(good.tables)
        change(tables)
        return replace(good, tables=tables)

    return changed


BROKEN: dict[str, Callable[[Evidence], Evidence]] = {
    "I1: lost": _rows(lambda tables: tables["runs"].pop(0)),
    "I1: never due": _rows(lambda tables: tables["runs"].append(_run(9, 9))),
    "I1: more than one row": _rows(lambda tables: tables["runs"].append(_run(9, 1))),
    "I1: the window": _rows(lambda tables: tables["windows"][0].update(count=3)),
    "I1: rows of CronJobs that nobody made": _rows(lambda tables: tables["runs"].append(_run(9, 1, cron_job_id=7))),
    "I2: runs without an end": _rows(lambda tables: tables["runs"][3].update(status="running", reason=None)),
    "I3: run 2 (worker_gone), 1 of 2, has no retry": _rows(lambda tables: tables["runs"].pop(2)),
    "I3: job 1 at 2026-11-23 08:02 went on": _rows(lambda tables: tables["runs"][1].update(status="succeeded")),
    "I3: job 1 at 2026-11-23 08:02 has the attempts": _rows(lambda tables: tables["runs"][2].update(attempt=3)),
    "I3 executed: runs that began twice": lambda good: replace(good, ledger=[*good.ledger, *_lines(1, 7)]),
    "I3 executed: runs that began although": _rows(lambda tables: tables["runs"][0].update(status="skipped")),
    "I3 executed: runs that succeeded and never": lambda good: replace(good, ledger=good.ledger[3:]),
    "I4, I5: runs 2 and 3": lambda good: replace(good, ledger=[*good.ledger[:5], *_lines(3, 2.05, attempt=2)]),
    "I6: run 4 (failed) has 0 messages": _rows(lambda tables: tables["outbox"].clear()),
    "I6: run 1 (succeeded) has a message": _rows(lambda tables: tables["outbox"][0].update(dedupe_key="run-1")),
    "I6: messages that never arrived": lambda good: replace(good, mails=Counter()),
    "I7: the log of run 1 is": _rows(lambda tables: tables["logs"][0].update(data=b"run 1 line 2\n")),
    "I7: the log of run 1 (succeeded) has 0 of 1": _rows(lambda tables: tables["logs"].pop(0)),
    "I7: the log of run 1 is of the fences": _rows(lambda tables: tables["logs"].append(_log(1, 2, "run 1 line 2\n"))),
    "I8: integrity_check": lambda good: replace(good, integrity="row 7 missing from index"),
    "I8: it does not refuse": lambda good: replace(good, refusals=["a second row for one moment"]),
    "I10: left behind": lambda good: replace(good, leftovers=["7: node"]),
    "own log: errors": lambda good: replace(good, log="2026-11-23T08:00:00.000Z error worker run.not_started\n"),
    "own log: exceptions that nobody caught: KeyError: 7": lambda good: replace(
        good, log='Traceback (most recent call last):\n  File "x", line 1, in y\n    z()\nKeyError: 7\n'
    ),
    "own log: turned away": lambda good: replace(good, log="2026-11-23T08:00:00.000Z warning web store.busy error=x\n"),
}


@pytest.mark.parametrize("said", BROKEN)
def test_it_sees(said: str) -> None:
    assert [broken for broken in judge(BROKEN[said](_good())) if broken.startswith(said)]
