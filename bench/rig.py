"""A real `hexasched serve` in a fresh folder, with somebody at its dashboard and an eye on its store."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import func, insert, select

from bench.figures import InvalidError
from bench.person import Person
from bench.proof import SOURCE
from hexasched import doorbell
from hexasched.domain.outcomes import Status
from hexasched.store import tables as t
from hexasched.store import workers
from hexasched.store.database import Database
from hexasched.store.functions import Function
from tests.processes.service import PASSWORD, Service, running

LOOK_S = 0.0003  # how late the end of a run may be seen; to look costs a few percent of a core
STILL_S = 0.1
_OPEN = (Status.QUEUED, Status.RUNNING)


@dataclass(frozen=True, kw_only=True)
class Rig:
    """A running service; `database` is its store, opened by the bench."""

    service: Service
    database: Database
    person: Person
    folder: Path

    @property
    def sizes(self) -> dict[str, Any]:
        """The tier and slots that its worker reports, and the memory for warm instances that it was given."""
        with self.database.reading() as connection:
            found = workers.present(connection, datetime.now(UTC) - timedelta(minutes=1))
        tier = found[0].facts["sandbox"]
        return {"tier": tier, "slots": found[0].slots, "warm_mb": int(self.service.env["HEXASCHED_WORKERS_WARM_MB"])}

    def deploy(self, name: str, *options: str) -> None:
        """Deploy the bench's function under that name, as a person would."""
        self.service.deploy(name, SOURCE, self.folder / "sources" / name, *options)

    def wait_for_end(self, run_id: int) -> None:
        """Return as soon as the store shows that a run has ended."""
        raw = self.database.engine.raw_connection()
        cursor = raw.cursor()

        def ended() -> bool:
            cursor.execute("SELECT finished_at IS NOT NULL FROM runs WHERE id = ?", (run_id,))
            return bool(cursor.fetchall()[0][0])

        try:
            wait_until(ended, 60, f"the end of run {run_id}")
        finally:
            raw.close()

    def all_final(self) -> bool:
        """Whether nothing is queued or running."""
        with self.database.reading() as connection:
            return connection.execute(select(t.runs.c.id).where(t.runs.c.status.in_(_OPEN)).limit(1)).first() is None

    def count(self) -> int:
        """How many runs there are."""
        with self.database.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(t.runs)).scalar_one())

    def enqueue(self, function: Function, nonces: list[str]) -> None:
        """Queue a run for each nonce, in one transaction, and ring for the worker."""
        now = datetime.now(UTC)
        shared = {"workspace_id": function.workspace_id, "function_id": function.id, "trigger": "manual"}
        shared |= {"version_id": function.live_version_id, "status": Status.QUEUED, "created_at": now}
        rows = [shared | {"available_at": now, "event": json.dumps({"nonce": nonce})} for nonce in nonces]
        with self.database.writing() as connection:
            connection.execute(insert(t.runs), rows)
        doorbell.ring(self.service.data_dir, doorbell.WORK)

    def let_settle(self, waiting: int) -> None:
        """Return once so many warm instances wait, and neither they nor the service do anything."""
        wait_until(lambda: self._stands_still(waiting), 60, f"{waiting} warm instances that wait", every_s=0)

    def _stands_still(self, waiting: int) -> bool:
        before = self._cpu_s()
        time.sleep(STILL_S)
        after = self._cpu_s()
        return before == after and len(after) >= waiting

    def _cpu_s(self) -> dict[int, float]:
        """The processor time of each sandboxed Node.js process that there is."""
        found = {}
        for pid in self.service.tree():
            try:
                process = psutil.Process(pid)
                words = process.cmdline()
                if words and words[0].endswith("node") and any(word.endswith("bootstrap.cjs") for word in words):
                    found[pid] = sum(process.cpu_times()[:2])
            except psutil.NoSuchProcess:
                continue
        return found


@contextmanager
def rig(**settings: str) -> Iterator[Rig]:
    """A service with these settings (HEXASCHED_* without the prefix); at the end nothing of it may be left."""
    settings = {"WORKERS_WARM_MB": "256"} | settings
    with tempfile.TemporaryDirectory() as name, running(Path(name), **settings) as service:
        service.create_owner()
        with service.open_database() as database:
            yield Rig(service=service, database=database, person=Person(service.port, PASSWORD), folder=Path(name))


def wait_until(there: Callable[[], bool], give_up_s: float, what: str, every_s: float = LOOK_S) -> None:
    """Return as soon as `there` says so. Raises InvalidError after `give_up_s` seconds."""
    give_up_at = time.monotonic() + give_up_s
    while not there():
        if time.monotonic() > give_up_at:
            raise InvalidError(f"Waited {give_up_s:g} s in vain for {what}.")
        time.sleep(every_s)


def ms(since: datetime | float, until: datetime | float) -> float:
    """The milliseconds between two moments; a number is seconds since 1970."""
    begin, end = (at.timestamp() if isinstance(at, datetime) else at for at in (since, until))
    return (end - begin) * 1000


def since(moment: datetime) -> float:
    """The seconds that have passed since `moment`; negative before it."""
    return (datetime.now(UTC) - moment).total_seconds()
