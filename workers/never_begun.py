"""The runs that a dead worker of this host had claimed and never gave to its keeper: they are queued again."""

import contextlib
from pathlib import Path

from hexasched import logs
from hexasched.errors import StoreBusyError
from hexasched.store import claiming
from hexasched.store.claiming import Claim
from hexasched.store.database import Database
from hexasched.store.leases import Lease

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
    try:
        return _released(database, claims)
    except StoreBusyError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, each is tried for itself
        logs.warning("runs.not_queued_together", count=len(claims), error=type(error).__name__)
    return {claim for claim in claims if _released_alone(database, claim)}


def _released(database: Database, claims: list[Claim]) -> set[Claim]:
    if not claims:
        return set()
    with database.writing() as connection:
        return {claim for claim in claims if claiming.release(connection, claim)}


def _released_alone(database: Database, claim: Claim) -> bool:
    try:
        return bool(_released(database, [claim]))
    except StoreBusyError:
        raise
    except Exception:  # noqa: BLE001 - one row that the database refuses must not keep workers from starting
        logs.failure("run.not_queued_again", claim=claim)
        return False


def _is_of_this_boot(folder: Path) -> bool:
    try:
        return (folder / "boot").read_text() == BOOT_ID.read_text()
    except OSError:
        return False
