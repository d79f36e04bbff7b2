"""One torture from the first row to the verdict."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hexasched.errors import StoreBusyError
from tests import postgres
from tests.smtp import smtp_server
from tests.torture.faults import Fault
from tests.torture.oracle import judge, latest_s
from tests.torture.rig import Rig, Wish, pause


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came out; `broken` are the promises that were not kept, `folder` has the data if there are any."""

    broken: list[str]
    figures: dict[str, float]
    folder: Path


def torture(wish: Wish, seconds: float, faults: Sequence[Fault], folder: Path) -> Verdict:
    """Let the service work for `seconds` while `faults` happen in an order that the seed decides; judge the rest.

    `folder` is empty, and is deleted if every promise was kept.
    """
    with smtp_server() as inbox:
        rig = Rig(folder, wish, inbox)
        try:
            rig.plant()
            _suffer(rig, seconds, faults)
            unended = _drain(rig)
            evidence = rig.evidence(rig.stop())
        finally:
            rig.kill()
    broken = unended + judge(evidence)
    figures = dict(rig.figures) | {
        "moments": len([r for r in evidence.tables["runs"] if r["attempt"] == 1]),
        "in windows": sum(w["count"] for w in evidence.tables["windows"]),
        "executed": len({line.run for line in evidence.ledger}),
        "succeeded": len([r for r in evidence.tables["runs"] if r["status"] == "succeeded"]),
        "lost and retried": len([r for r in evidence.tables["runs"] if r["status"] == "lost"]),
        "mails": sum(evidence.mails.values()),
        "failpoints": len(set(rig.obeyed)),
        "latest row (s)": round(latest_s(evidence), 2),
    }
    if not broken:
        shutil.rmtree(folder, ignore_errors=True)
    elif wish.database_url:
        postgres.dump(wish.database_url, folder / "database.sql")
    return Verdict(broken=broken, figures=figures, folder=folder)


def _drain(rig: Rig) -> list[str]:
    try:
        rig.drain()
    except AssertionError as error:
        return [f"I2: {error}"]
    return []


def _suffer(rig: Rig, seconds: float, faults: Sequence[Fault]) -> None:
    end, deck = time.monotonic() + seconds, list[Fault]()
    while time.monotonic() < end:
        rig.thaw()
        rig.revive()
        deck = deck or rig.chance.sample(faults, len(faults))  # each comes before any comes again
        pause(rig.chance.uniform(0.1, 2.5))
        try:
            deck.pop()(rig)
        except StoreBusyError:  # the database turned the driver away: then nothing was changed
            rig.figures["edits turned away"] += 1
