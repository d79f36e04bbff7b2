"""Judges what a tortured service did: every moment has one verdict, nothing is lost, nothing done twice.

It imports nothing of the product (`test_oracle.py` looks): it has its own reading of cron and of the tables.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise

from tests.torture.crontab import due
from tests.torture.evidence import Change, Evidence, Line, Row, in_order, moment

NEVER_BEGUN = ("skipped", "missed")
ENDED_ITSELF = ("succeeded", "failed")
RETRIED = ("error", "exit", "signal", "memory", "unsettled", "time", "cpu", "worker_gone")


def judge(evidence: Evidence) -> list[str]:
    """Every broken promise, in words; empty if all hold."""
    return [f"{name}: {broken}" for name, check in CHECKS.items() for broken in check(evidence)]


def expected(changes: list[Change]) -> dict[int, set[int]]:
    """By CronJob, the moments (ms) at which it was due between its creation and its deletion."""
    found: dict[int, set[int]] = {}
    by_job: dict[int, list[Change]] = defaultdict(list)
    for change in changes:
        by_job[change.cron_job].append(change)
    for job, theirs in by_job.items():
        spans = [(a, b.at) for a, b in pairwise(sorted(theirs, key=lambda change: change.at))]
        found[job] = {_ms(at) for change, until in spans for at in _due(change, until)}
    return found


def _due(change: Change, until: datetime) -> list[datetime]:
    return [] if change.expression is None else due(change.expression, change.zone, change.at, until)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def one_verdict_each(evidence: Evidence) -> Iterator[str]:
    """Every due moment has one row, or lies in one window; nothing else has."""
    rows = Counter((r["cron_job_id"], r["scheduled_for"]) for r in _ticks(evidence) if r["attempt"] == 1)
    by_job: dict[int, set[int]] = defaultdict(set)
    for job, at in rows:
        by_job[job].add(at)
    if doubled := [_named(job, at) for (job, at), count in rows.items() if count > 1]:
        yield f"more than one row: {in_order(doubled)}"
    wanted = expected(evidence.changes)
    for job, moments in wanted.items():
        inside, wrong = _in_windows(evidence, job, moments - by_job[job])
        yield from wrong
        if missing := sorted(moments - by_job[job] - inside):
            yield f"lost: {in_order([_named(job, at) for at in missing])}"
        if extra := sorted(by_job[job] - moments):
            yield f"never due: {in_order([_named(job, at) for at in extra])}"
    if unknown := set(by_job) - set(wanted):
        yield f"rows of CronJobs that nobody made: {sorted(unknown)}"


def _in_windows(evidence: Evidence, job: int, without_row: set[int]) -> tuple[set[int], list[str]]:
    covered: set[int] = set()
    wrong = []
    for window in (w for w in evidence.tables["windows"] if w["cron_job_id"] == job):
        theirs = {at for at in without_row if window["from_at"] <= at <= window["to_at"]}
        name = f"the window {_named(job, window['from_at'])} to {_named(job, window['to_at'])} ({window['reason']})"
        if theirs & covered:
            wrong.append(f"{name} overlaps another")
        if len(theirs) != window["count"]:
            wrong.append(f"{name} counts {window['count']} moments, there are {len(theirs)}")
        covered |= theirs
    return covered, wrong


def all_ended(evidence: Evidence) -> Iterator[str]:
    """After the drain nothing waits and nothing runs."""
    if still := [f"{r['id']} ({r['status']})" for r in _runs(evidence) if r["status"] in ("queued", "running")]:
        yield f"runs without an end: {in_order(still)}"


def one_success(evidence: Evidence) -> Iterator[str]:
    """Attempts are numbered without a gap, at most the last of them succeeded, and what may be retried was."""
    followed = {r["retry_of"] for r in _runs(evidence)}
    for (job, at), attempts in _attempts(evidence).items():
        numbers = [r["attempt"] for r in attempts]
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"{_named(job, at)} has the attempts {numbers}"
        if any(r["status"] not in ("failed", "timed_out", "lost") for r in attempts[:-1]):
            yield f"{_named(job, at)} went on after {[r['status'] for r in attempts]}"
        last = attempts[-1]
        if _wants_retry(last) and last["id"] not in followed:
            yield f"run {last['id']} ({last['reason']}), {last['attempt']} of {last['max_attempts']}, has no retry"


def _wants_retry(run: Row) -> bool:
    left = run["attempt"] < run["max_attempts"] and run["reason"] in RETRIED
    return run["cancel_requested_at"] is None and left


def executed_once(evidence: Evidence) -> Iterator[str]:
    """A run's code begins at most once, never if it was skipped, and what succeeded came to its end."""
    starts = Counter(line.run for line in evidence.ledger if line.what == "start")
    stopped = {line.run for line in evidence.ledger if line.what == "stop"}
    status = {r["id"]: r["status"] for r in _runs(evidence)}
    if twice := [str(run) for run, count in starts.items() if count > 1]:
        yield f"runs that began twice: {in_order(twice)}"
    if never := [str(run) for run in starts if status.get(run) in NEVER_BEGUN]:
        yield f"runs that began although they were skipped or missed: {in_order(never)}"
    if hollow := [str(run) for run, ended in status.items() if ended == "succeeded" and run not in stopped]:
        yield f"runs that succeeded and never came to their end: {in_order(hollow)}"


def no_overlap(evidence: Evidence) -> Iterator[str]:
    """Neither two attempts at one moment overlap, nor two runs of a CronJob that forbids it."""
    alone = {r["id"] for r in evidence.tables["cron_jobs"] if r["concurrency_policy"] != "Allow"}
    ticks = {r["id"]: (r["cron_job_id"], r["scheduled_for"]) for r in _runs(evidence)}
    groups: dict[object, list[tuple[int, int, int]]] = defaultdict(list)
    for run, (begin, end) in _lives(evidence.ledger).items():
        job, at = ticks.get(run, (None, None))
        groups[job if job in alone else (job, at)].append((begin, end, run))
    for group, lives in groups.items():
        for (_, end, one), (begin, _, other) in pairwise(sorted(lives)):
            if begin < end:
                yield f"runs {one} and {other} of {group} overlap by {(end - begin) / 1e9:.3f} s"


def _lives(ledger: list[Line]) -> dict[int, tuple[int, int]]:
    """From each run's first line in the ledger to its last: it lived at least so long."""
    lives: dict[int, tuple[int, int]] = {}
    for line in ledger:
        begin, end = lives.get(line.run, (line.at, line.at))
        lives[line.run] = (min(begin, line.at), max(end, line.at))
    return lives


def told_once(evidence: Evidence) -> Iterator[str]:
    """Each final failure has one message, and every message arrived."""
    messages = Counter(row["dedupe_key"] for row in evidence.tables["outbox"])
    followed = {r["retry_of"] for r in _runs(evidence)}
    for run in _runs(evidence):
        failed = run["status"] in ("failed", "timed_out", "lost") and run["cancel_requested_at"] is None
        told = messages[f"run-{run['id']}"]
        if failed and run["id"] not in followed and told != 1:
            yield f"run {run['id']} ({run['status']}) has {told} messages"
        if told and (run["id"] in followed or not (failed or run["status"] == "missed")):
            yield f"run {run['id']} ({run['status']}) has a message and needs none"
    unsent = [r["dedupe_key"] for r in evidence.tables["outbox"] if evidence.mails[r["message_id"]] == 0]
    if unsent:
        yield f"messages that never arrived: {in_order(unsent)}"
    if unmarked := [r["dedupe_key"] for r in evidence.tables["outbox"] if r["sent_at"] is None]:
        yield f"messages that are not marked as sent: {in_order(unmarked)}"


def whole_logs(evidence: Evidence) -> Iterator[str]:
    """A log has each line that the code printed, once and in order; a killed run's ends early, without a hole."""
    status = {r["id"]: r["status"] for r in _runs(evidence)}
    dropped = {r["id"] for r in _runs(evidence) if r["log_dropped_bytes"]}
    printed: dict[int, int] = defaultdict(int)
    for line in evidence.ledger:
        printed[line.run] = max(printed[line.run], line.line)
    texts: dict[int, bytes] = defaultdict(bytes)
    fences: dict[int, set[int]] = defaultdict(set)
    for chunk in evidence.tables["logs"]:
        texts[chunk["run_id"]] += bytes(chunk["data"])
        fences[chunk["run_id"]].add(chunk["fence"])
    for run, ended in status.items():
        lines = texts[run].decode().splitlines()
        if lines != [f"run {run} line {number}" for number in range(1, len(lines) + 1)]:
            yield f"the log of run {run} is {lines}"
        if ended in ENDED_ITSELF and len(lines) < printed[run] and run not in dropped:
            yield f"the log of run {run} ({ended}) has {len(lines)} of {printed[run]} lines"
        if len(fences[run]) > 1:
            yield f"the log of run {run} is of the fences {sorted(fences[run])}"


def sound_database(evidence: Evidence) -> Iterator[str]:
    """The database is whole, and refuses what must never be."""
    if evidence.integrity != "ok":
        yield f"integrity_check says {evidence.integrity}"
    for what in evidence.refusals:
        yield f"it does not refuse {what}"


def nothing_left(evidence: Evidence) -> Iterator[str]:
    """No process outlives the service."""
    for process in evidence.leftovers:
        yield f"left behind: {process}"


def quiet_log(evidence: Evidence) -> Iterator[str]:
    """Crashes of others are no errors of ours; and nobody is turned away by a database that is only busy."""
    errors = re.findall(r"^\S+Z error .*", evidence.log, re.MULTILINE)
    if errors and evidence.roomy:
        yield f"errors in the service's log: {in_order(errors, 3)}"
    escaped = re.findall(r"^Traceback .*(?:\n[ \t].*)*\n(\S.*)", evidence.log, re.MULTILINE)
    if escaped and evidence.roomy:
        yield f"exceptions that nobody caught: {in_order(escaped, 3)}"
    busy = re.findall(r"^\S+Z warning \S+ store\.busy .*", evidence.log, re.MULTILINE)
    if busy and evidence.calm:
        yield f"turned away without waiting: {in_order(busy, 3)}"


CHECKS: dict[str, Callable[[Evidence], Iterator[str]]] = {
    "I1": one_verdict_each,
    "I2": all_ended,
    "I3": one_success,
    "I3 executed": executed_once,
    "I4, I5": no_overlap,
    "I6": told_once,
    "I7": whole_logs,
    "I8": sound_database,
    "I10": nothing_left,
    "own log": quiet_log,
}


def latest_s(evidence: Evidence) -> float:
    """I9: the longest time (real seconds) from a moment to its row, of those that were not missed."""
    in_time = [r for r in _ticks(evidence) if r["attempt"] == 1 and r["status"] != "missed"]
    lags = [r["created_at"] - r["scheduled_for"] for r in in_time]
    return max(lags, default=0) / 1000 / evidence.rate


def _runs(evidence: Evidence) -> list[Row]:
    return evidence.tables["runs"]


def _ticks(evidence: Evidence) -> list[Row]:
    return [r for r in _runs(evidence) if r["scheduled_for"] is not None]


def _attempts(evidence: Evidence) -> dict[tuple[int, int], list[Row]]:
    found: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for run in sorted(_ticks(evidence), key=lambda r: (r["attempt"], r["id"])):
        found[run["cron_job_id"], run["scheduled_for"]].append(run)
    return found


def _named(job: int, at_ms: int) -> str:
    return f"job {job} at {moment(at_ms):%Y-%m-%d %H:%M}"
