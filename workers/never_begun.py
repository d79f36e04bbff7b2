"""The runs that a dead worker of this host had claimed and never gave to its keeper: they are queued again."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from hexasched import logs
from hexasched.store import claiming
from hexasched.store.claiming import Claim
from hexasched.store.database import Database
from hexasched.store.leases import Lease
from hexasched.store.together import all_or_each

MAX_FENCE = 4
"""Each claim and each release adds one: a run is queued again twice at most, should it be what workers die of.

The service gives up after five deaths in a row.
"""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # random(4)


def note_boot(folder: Path) -> None:
    """Note in a worker's folder since which start of the machine it is there, if that can be told."""
    with contextlib.suppress(OSError):
        (folder / "boot").write_text(BOOT_ID.read_text())


def forget_boot(folder: Path) -> None:
    """From now on what is missing in the folder tells nothing."""
    (folder / "boot").unlink(missing_ok=True)


def spool_of(spools: Path, claim: Claim) -> Path:
    """Where the keeper writes the output of a run."""
    return spools / f"run-{claim.run_id}-{claim.fence}.log"


def never_begun(folder: Path, held: list[Lease]) -> list[Claim]:
    """The runs that never came to the keeper: it makes a run's spool file before all else.

    After a start of the machine a file may be missing that was there, so then nobody knows. A run that its worker has
    died of again and again before it began is not among them.
    """
    if not _is_of_this_boot(folder):
        return []
    runs = [claim for claim, _ in held if isinstance(claim, Claim) and claim.fence <= MAX_FENCE]
    return [claim for claim in runs if not spool_of(folder / "spool", claim).exists()]


def queue_again(database: Database, claims: list[Claim]) -> set[Claim]:
    """Give back what its worker never began; those that were. Somebody may want that one ends instead.

    Raises StoreBusyError.
    """

    queued: set[Claim] = set()

    def release(some: Sequence[Claim]) -> None:
        with database.writing() as connection:
            released = {claim for claim in some if claiming.release(connection, claim)}
        queued.update(released)

    all_or_each("run.release", claims, release, lambda claim: logs.failure("run.not_released", claim=claim))
    return queued


def _is_of_this_boot(folder: Path) -> bool:
    try:
        return (folder / "boot").read_text() == BOOT_ID.read_text()
    except OSError:
        return False
