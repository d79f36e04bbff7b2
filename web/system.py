"""Whether the service as a whole works: its scheduler, its workers, its disk, alerts that reach nobody."""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from hexasched.config import Config
from hexasched.domain import tiers
from hexasched.domain.limits import MIB, MIN_FREE_BYTES
from hexasched.domain.tiers import Tier
from hexasched.store import downtimes, outbox, settings, workers
from hexasched.store.database import Connection
from web import gap_words, show

SILENT_AFTER = timedelta(seconds=30)
"""A scheduler or worker that has said nothing for so long does not work."""

JUMPS_SHOWN = timedelta(hours=24)
"""How long every page tells of a clock that jumped."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """What the database says about the processes; `tick` is the scheduler's last sign of life.

    `tiers` are those of the workers' sandboxes, each once, the strongest first.
    """

    tick: datetime | None
    workers: int
    tiers: tuple[Tier, ...]
    now: datetime

    @property
    def failing(self) -> list[str]:
        """The parts that do not work: "scheduler", "worker"."""
        late = self.tick is None or self.now - self.tick > SILENT_AFTER
        return [*(["scheduler"] if late else []), *(["worker"] if self.workers == 0 else [])]


def disk_trouble(data_dir: Path) -> str:
    """A sentence if the data folder's disk has too little room left, else an empty text."""
    free = shutil.disk_usage(data_dir).free
    if free >= MIN_FREE_BYTES:
        return ""
    return f"The disk of the service is nearly full: {free // MIB} MB are free, {MIN_FREE_BYTES // MIB} MB are needed."


def health(connection: Connection, now: datetime) -> Health:
    """How the processes are."""
    written = settings.get(connection, "scheduler_tick")
    present = workers.present(connection, now - SILENT_AFTER)
    names = {worker.facts.get("sandbox") for worker in present}
    return Health(
        tick=datetime.fromisoformat(written) if written else None,
        workers=len(present),
        tiers=tuple(tier for tier in tiers.ALL if tier.name in names),
        now=now,
    )


def warnings(connection: Connection, config: Config, workspace_id: int, now: datetime) -> list[tuple[str, str, str]]:
    """What everybody should know on every page: (tone, sentence, path of the page with more); empty if all is well."""
    lines: list[tuple[str, str, str]] = []
    if config.sandbox.mode == "none":
        lines.append(("failed", "Functions run without a sandbox: as you, with all rights of the service.", ""))
    found = health(connection, now)
    if "scheduler" in found.failing:
        last = f"Last heartbeat {show.relative(found.tick, now)}." if found.tick else "There was no heartbeat yet."
        lines.append(("failed", f"Schedules are not firing: the scheduler is silent. {last}", ""))
    if "worker" in found.failing:
        lines.append(("failed", "Nothing can run: no worker is present. Runs wait until one is.", ""))
    for jump in downtimes.jumps_since(connection, now - JUMPS_SHOWN):
        lines.append(("warning", f"{gap_words.sentence(jump)}, {show.relative(jump.created_at, now)}.", "/downtimes"))
    if full := disk_trouble(config.data_dir):
        lines.append(("failed", full, ""))
    if not config.mail.host:
        lines.append(("warning", "No mail server is set up: failures will not be sent to anyone.", "/alerts"))
    elif count := outbox.undelivered(connection, workspace_id):
        what = "1 alert was" if count == 1 else f"{count} alerts were"
        lines.append(("failed", f"{what} not delivered.", "/alerts"))
    return lines
