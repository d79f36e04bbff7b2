"""Settles what dead workers of this host had in hand, at once: their lock tells that none of their processes lives."""

import fcntl
import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from hexasched import failpoints, logs
from hexasched.errors import StoreBusyError
from hexasched.store import build_claims, holding, workers
from hexasched.store import logs as stored_logs
from hexasched.store.claiming import Claim
from hexasched.store.database import Database
from hexasched.store.leases import Lease, LeaseWatch, end_each
from workers.never_begun import forget_boot, never_begun, queue_again, spool_of
from workers.shipping import new_chunks

PIECE_CHUNKS = 1000
SHIP_S = 0.5
"""What one sweep takes for the spools of the dead: who sweeps has leases of its own to keep.

A spool of 5 MiB is 80 chunks and takes 0.15 s. Of single bytes that go to the two streams in turn it is 370,000 chunks,
which take 10 s of processor time.
"""


class Reaper:
    """Looks for dead workers by their folders, and for workers elsewhere by their leases."""

    def __init__(self, database: Database, workers_dir: Path) -> None:
        self._database = database
        self._workers_dir = workers_dir
        self._leases = LeaseWatch()

    def sweep(self) -> int:
        """End what nobody works on any more; returns how many runs and builds that was.

        What the dead had printed is shipped for SHIP_S at most; the next sweep goes on with the rest.
        """
        until = time.monotonic() + SHIP_S
        gone = sum(self._settle_dead_worker(folder, until) for folder in dead_workers(self._workers_dir))
        return gone + self._leases.sweep(self._database)

    def _settle_dead_worker(self, folder: Path, until: float) -> int:
        """A worker of this host whose lock is free is dead, its keeper and its sandboxes too: no lease to wait for."""
        with self._database.reading() as connection:
            held: list[Lease] = [
                *holding.held_by(connection, folder.name),
                *build_claims.held_by(connection, folder.name),
            ]
        self._note_starts(folder / "spool", [claim for claim, _ in held if isinstance(claim, Claim)])
        queued = queue_again(self._database, never_begun(folder, held))
        # What can't be ended now is left to the leases.
        reaped = end_each(self._database, [lease for lease in held if lease[0] not in queued])
        with self._database.writing() as connection:
            workers.leave(connection, folder.name)
        failpoints.reach("reap.after_commit")
        whole = self._ship_all(folder / "spool", until)
        if whole:
            # First of all: who finds half of the folder must not take what is missing for never begun.
            forget_boot(folder)
            shutil.rmtree(folder, ignore_errors=True)
        if whole or held:
            logs.warning("worker.gone", worker=folder.name, settled=len(reaped), queued_again=len(queued))
        return len(reaped) + len(queued)

    def _note_starts(self, spools: Path, runs: list[Claim]) -> None:
        printed = [(claim, at) for claim in runs if (at := _printed_at(spools, claim))]
        if not printed:
            return
        try:
            with self._database.writing() as connection:
                for claim, at in printed:
                    holding.mark_printed(connection, claim, at)
        except StoreBusyError:
            raise
        except Exception:  # noqa: BLE001 - what can't be noted must not keep workers from starting
            logs.failure("starts.not_noted", count=len(printed))

    def _ship_all(self, spools: Path, until: float) -> bool:
        """Ship for as long as there is time, but one piece in any case; whether that was all.

        The files stay until it is: that one is missing tells that its run never began.
        """
        for spool in sorted(spools.glob("run-*.log")):
            while self._ship(spool):
                if time.monotonic() > until:
                    return False
        return True

    def _ship(self, spool: Path) -> bool:
        """A piece of what a dead worker's run had printed and is not in the database yet; whether that was anything."""
        try:
            run_id, fence = (int(part) for part in spool.stem.split("-")[1:3])
            with self._database.writing() as connection:
                chunks, _ = new_chunks(
                    spool, fence, stored_logs.end(connection, "run", run_id, fence), most=PIECE_CHUNKS
                )
                stored_logs.append(connection, "run", run_id, chunks)
                return bool(chunks)
        except StoreBusyError:
            raise
        except Exception:  # noqa: BLE001 - a file that a crash has damaged must not keep workers from starting
            logs.failure("spool.unreadable", spool=spool.name)
            return False


def _printed_at(spools: Path, claim: Claim) -> datetime | None:
    """When a dead worker's run first printed something: that it began may not have been noted any more."""
    try:
        chunks, _ = new_chunks(spool_of(spools, claim), claim.fence, 0, most=PIECE_CHUNKS)
    except Exception:  # noqa: BLE001 - a damaged file tells nothing; `_ship` logs that
        return None
    return next((chunk.at for chunk in chunks if chunk.stream != "s"), None)


def dead_workers(workers_dir: Path) -> Iterator[Path]:
    """The folders of workers on this host of which no process is left."""
    for folder in sorted(workers_dir.glob("[0-9a-f]*")):
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
