"""Ends the work of workers that are gone: by a lease that ran out, or by the lock of a worker of this host.

A lease is judged by a heartbeat count that stands still over our own monotonic clock: wall clocks of different
machines, and jumps of this one's, play no part.
"""

import fcntl
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from hexasched import logs
from hexasched.store import builds, runs
from hexasched.store import logs as stored_logs
from hexasched.store.builds import BuildClaim
from hexasched.store.database import Connection, Database
from hexasched.store.runs import Claim
from workers.shipping import new_chunks

Lease = tuple[Claim | BuildClaim, int]  # a claim and its heartbeat count


class Reaper:
    """Remembers every lease that it saw, and since when its count has stood still."""

    def __init__(self, database: Database, workers_dir: Path, lease_s: float) -> None:
        self._database = database
        self._workers_dir = workers_dir
        self._lease_s = lease_s
        self._seen: dict[Claim | BuildClaim, tuple[int, float]] = {}

    def sweep(self) -> int:
        """End what nobody works on any more; returns how many runs and builds that was."""
        gone = sum(self._settle_dead_worker(folder) for folder in dead_workers(self._workers_dir))
        with self._database.reading() as connection:
            leases: list[Lease] = [*runs.running_leases(connection), *builds.running_leases(connection)]
        expired = self._expired(leases, time.monotonic())
        if not expired:
            return gone
        with self._database.writing() as connection:
            reaped = [claim for claim, count in expired if _reap(connection, claim, count)]
        for claim in reaped:
            logs.warning("lease.expired", claim=claim)
        return gone + len(reaped)

    def _expired(self, leases: list[Lease], now: float) -> list[Lease]:
        before, self._seen = self._seen, {}
        for claim, count in leases:
            known = before.get(claim)
            self._seen[claim] = known if known is not None and known[0] == count else (count, now)
        return [(claim, count) for claim, (count, since) in self._seen.items() if now - since >= self._lease_s]

    def _settle_dead_worker(self, folder: Path) -> int:
        """A worker of this host whose lock is free is dead, its keeper and its sandboxes too: no lease to wait for."""
        with self._database.reading() as connection:
            held: list[Lease] = [*runs.held_by(connection, folder.name), *builds.held_by(connection, folder.name)]
        with self._database.writing() as connection:
            _ship_leftovers(connection, folder)
            reaped = [claim for claim, count in held if _reap(connection, claim, count)]
        shutil.rmtree(folder, ignore_errors=True)
        logs.warning("worker.gone", worker=folder.name, settled=len(reaped))
        return len(reaped)


def dead_workers(workers_dir: Path) -> Iterator[Path]:
    """The folders of workers on this host of which no process is left."""
    for folder in sorted(workers_dir.glob("*")):
        try:
            lock = (folder / "lock").open("rb")
        except OSError:
            continue
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield folder


def _reap(connection: Connection, claim: Claim | BuildClaim, count: int) -> bool:
    if isinstance(claim, Claim):
        return runs.reap(connection, claim, count, datetime.now(UTC))
    return builds.reap(connection, claim, count)


def _ship_leftovers(connection: Connection, folder: Path) -> None:
    """What a dead worker's runs had printed and was not in the database yet."""
    for spool in (folder / "spool").glob("run-*.log"):
        run_id, fence = (int(part) for part in spool.stem.split("-")[1:3])
        shipped = stored_logs.end(connection, "run", run_id, fence)
        chunks, _ = new_chunks(spool, fence, shipped)
        stored_logs.append(connection, "run", run_id, chunks)
