"""Settles what dead workers of this host had in hand, at once: their lock tells that none of their processes lives."""

import contextlib
import fcntl
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from hexasched import failpoints, logs
from hexasched.errors import StoreBusyError
from hexasched.store import build_claims, claiming, holding, workers
from hexasched.store import logs as stored_logs
from hexasched.store.claiming import Claim
from hexasched.store.database import Database
from hexasched.store.leases import Lease, LeaseWatch, end_each
from workers.shipping import new_chunks

MAX_FENCE = 4
"""Each claim and each release adds one: a run is queued again twice at most, should it be what workers die of.

The service gives up after five deaths in a row.
"""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # random(4)


class Reaper:
    """Looks for dead workers by their folders, and for workers elsewhere by their leases."""

    def __init__(self, database: Database, workers_dir: Path) -> None:
        self._database = database
        self._workers_dir = workers_dir
        self._leases = LeaseWatch()

    def sweep(self) -> int:
        """End what nobody works on any more; returns how many runs and builds that was."""
        gone = sum(self._settle_dead_worker(folder) for folder in dead_workers(self._workers_dir))
        return gone + self._leases.sweep(self._database)

    def _settle_dead_worker(self, folder: Path) -> int:
        """A worker of this host whose lock is free is dead, its keeper and its sandboxes too: no lease to wait for."""
        with self._database.reading() as connection:
            held: list[Lease] = [
                *holding.held_by(connection, folder.name),
                *build_claims.held_by(connection, folder.name),
            ]
        self._note_starts(folder / "spool", [claim for claim, _ in held if isinstance(claim, Claim)])
        queued = self._queue_again(_never_begun(folder, held))
        # What can't be ended now is left to the leases.
        reaped = end_each(self._database, [lease for lease in held if lease[0] not in queued])
        with self._database.writing() as connection:
            workers.leave(connection, folder.name)
        failpoints.reach("reap.after_commit")
        for spool in (folder / "spool").glob("run-*.log"):
            self._ship(spool)
        # First of all: who finds half of the folder must not take what is missing for never begun.
        (folder / "boot").unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        logs.warning("worker.gone", worker=folder.name, settled=len(reaped), queued_again=len(queued))
        return len(reaped) + len(queued)

    def _queue_again(self, claims: list[Claim]) -> set[Claim]:
        """Give back what its worker never began; the others have to end, because somebody wants that or it must be."""
        try:
            return self._released(claims)
        except StoreBusyError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, each is tried for itself
            logs.warning("runs.not_queued_together", count=len(claims), error=type(error).__name__)
        return {claim for claim in claims if self._released_alone(claim)}

    def _released(self, claims: list[Claim]) -> set[Claim]:
        if not claims:
            return set()
        with self._database.writing() as connection:
            return {claim for claim in claims if claiming.release(connection, claim)}

    def _released_alone(self, claim: Claim) -> bool:
        try:
            return bool(self._released([claim]))
        except StoreBusyError:
            raise
        except Exception:  # noqa: BLE001 - one row that the database refuses must not keep workers from starting
            logs.failure("run.not_queued_again", claim=claim)
            return False

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

    def _ship(self, spool: Path) -> None:
        """What a dead worker's run had printed and was not in the database yet."""
        try:
            run_id, fence = (int(part) for part in spool.stem.split("-")[1:3])
            with self._database.writing() as connection:
                chunks, _ = new_chunks(spool, fence, stored_logs.end(connection, "run", run_id, fence))
                stored_logs.append(connection, "run", run_id, chunks)
        except StoreBusyError:
            raise
        except Exception:  # noqa: BLE001 - a file that a crash has damaged must not keep workers from starting
            logs.failure("spool.unreadable", spool=spool.name)


def note_boot(folder: Path) -> None:
    """Note in a worker's folder since which start of the machine it is there, if that can be told."""
    with contextlib.suppress(OSError):
        (folder / "boot").write_text(BOOT_ID.read_text())


def _is_of_this_boot(folder: Path) -> bool:
    try:
        return (folder / "boot").read_text() == BOOT_ID.read_text()
    except OSError:
        return False


def _never_begun(folder: Path, held: list[Lease]) -> list[Claim]:
    """The runs that never came to the keeper: it makes a run's spool file before all else.

    After a start of the machine a file may be missing that was there, so then nobody knows. A run that its worker has
    died of again and again before it began is not among them.
    """
    if not _is_of_this_boot(folder):
        return []
    runs = [claim for claim, _ in held if isinstance(claim, Claim) and claim.fence <= MAX_FENCE]
    return [claim for claim in runs if not _spool_of(folder / "spool", claim).exists()]


def _spool_of(spools: Path, claim: Claim) -> Path:
    return spools / f"run-{claim.run_id}-{claim.fence}.log"


def _printed_at(spools: Path, claim: Claim) -> datetime | None:
    """When a dead worker's run first printed something: that it began may not have been noted any more."""
    try:
        chunks, _ = new_chunks(_spool_of(spools, claim), claim.fence, 0)
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
