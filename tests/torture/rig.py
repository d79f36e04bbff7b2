"""The service under torture, with what stands around it: a clock, a ledger, a mail server, CronJobs that change."""

import json
import os
import random
import shutil
import signal
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

from sqlalchemy import text

from hexasched import doorbell
from hexasched.domain.policies import Policy
from hexasched.store import cron_job_changes, cron_job_pauses, cron_jobs
from hexasched.store.cron_jobs import CronJob, CronJobFields
from hexasched.store.database import Connection, Database, url_for
from tests.processes.service import Service
from tests.small_disk import SmallDisk
from tests.smtp import Inbox
from tests.torture.clock import Clock
from tests.torture.evidence import Evidence, read_changes, read_ledger, read_tables
from tests.torture.ledger import FUNCTION, Ledger
from tests.torture.page import Page
from tests.waiting import wait_until

EXPRESSIONS = (
    *("* * * * *", "* * * * *", "*/2 * * * *", "1-59/3 * * * *", "*/5 * * * *", "@hourly"),
    *("* 0-23/2 * * *", "7,23,41 * * * *", "15,45 0-23 * * *", "30 1,2,3 * * *", "* * * * sun-sat"),
)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")
POLICIES = (
    Policy(concurrency_policy="Allow", catch_up="all", max_attempts=3, retry_delay_s=2),
    Policy(concurrency_policy="Forbid", catch_up="last", max_attempts=2, retry_delay_s=2),
    Policy(concurrency_policy="Forbid", catch_up="all", queue_limit=3),
    Policy(concurrency_policy="Forbid", catch_up="skip", max_attempts=3, retry_delay_s=2, starting_deadline_s=600),
    Policy(concurrency_policy="Replace", catch_up="last"),
    Policy(concurrency_policy="Allow", catch_up="last", spread_s=60),
)
JOBS = 12
DRAIN_S = 150.0


class Tortured(Service):
    """A service whose clock may run fast: then its own page of health, made for real time, says nothing."""

    _announced = 0

    def start(self, *arguments: str) -> None:
        """Start it and wait until it says that it is ready."""
        self._announced = self._announcements()
        super().start(*arguments)

    def _announcements(self) -> int:
        return self.log().count("HexaSched is ready:") if self.log_path.exists() else 0

    def is_ready(self) -> bool:
        """Whether it has said so since it was started."""
        assert self.process is not None
        assert self.process.poll() is None, self.log()[-3000:]
        return self._announcements() > self._announced


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a torture is to be."""

    seed: int = 1
    rate: float = 20.0
    begin: datetime | None = None
    database_url: str = ""
    workers: int = 2
    breaks: str = ""  # a promise that the program is to break: broken/sitecustomize.py
    disk: SmallDisk | None = None  # on which the data folder lies


def new_folder() -> Path:
    """A folder that the service's unprivileged user can enter too."""
    folder = Path(tempfile.mkdtemp(prefix="hexasched-torture-"))
    folder.chmod(0o755)
    return folder


class Rig:
    """One tortured service; the record of what was done to its CronJobs is for the oracle."""

    def __init__(self, folder: Path, wish: Wish, inbox: Inbox) -> None:
        self.folder, self.wish, self.chance = folder, wish, random.Random(wish.seed)
        self._inbox = inbox
        self._changes = folder / "changes.jsonl"
        self._created = 0
        self.figures: Counter[str] = Counter()
        self.calm = self.roomy = True
        self.clock = Clock(folder, wish.begin)
        self._began = self._latest = self.clock.now()
        self.ledger = Ledger(folder / "ledger.jsonl")
        settings = {
            "SANDBOX_LOOPBACK_PORTS": str(self.ledger.port),
            "MAIL_HOST": "127.0.0.1",
            "MAIL_PORT": str(inbox.port),
            "MAIL_SECURITY": "none",
            "WORKERS_COUNT": str(wish.workers),
            "WORKERS_SLOTS": "4",
            "DRAIN_TIMEOUT_S": "5",
        }
        if wish.database_url:
            settings["DATABASE_URL"] = wish.database_url
        self.service = Tortured(folder, **settings)
        self.service.prefix = wish.disk.prefix if wish.disk else ()
        self.service.env |= self.clock.environ
        if wish.breaks:
            shutil.copytree(Path(__file__).parent / "broken", folder / "broken")
            self.service.env |= {"PYTHONPATH": str(folder / "broken"), "TORTURE_BREAKS": wish.breaks}
        self._database: Database | None = None

    @property
    def data_dir(self) -> Path:
        """The data folder, as the driver sees it."""
        return self.wish.disk.inside if self.wish.disk else self.service.data_dir

    @property
    def database(self) -> Database:
        """The service's database, opened by the driver."""
        if self._database is None:
            self._database = Database(url_for(self.wish.database_url, self.data_dir))
        return self._database

    def plant(self) -> None:
        """Start the service, deploy the function, make the CronJobs, and let the clock run."""
        self.service.start()
        self.service.create_owner()
        self.service.deploy("beat", FUNCTION, self.folder / "source")
        for _ in range(JOBS):
            self.create()
        self._began = self.clock.now()
        self.clock.run_at(self.wish.rate)

    def create(self) -> None:
        """Make one more CronJob."""
        chance, number = self.chance, self._created
        self._created += 1
        payload = {
            "port": self.ledger.port,
            "lines": chance.randint(1, 6),
            "ms": chance.choice((0, 20, 150)),
            "failing": chance.choice((0, 0, 4)),
        }
        wanted = CronJobFields(
            **vars(POLICIES[number % len(POLICIES)]),
            function_id=1,
            name=f"job-{number}",
            expression=chance.choice(EXPRESSIONS) if number else "* * * * *",
            timezone=chance.choice(ZONES),
            event=json.dumps(payload),
        )
        with self.database.writing() as connection:
            now = self.clock.now()
            made = cron_job_changes.create(connection, 1, wanted, now)
            assert made is not None
        self._note(made.id, now, wanted.expression, wanted.timezone)

    def jump(self, by: timedelta) -> None:
        """Set the clock. While it shows a time that was before, nobody edits anything."""
        self._latest = max(self._latest, self.clock.now())
        self.clock.jump(by)

    @property
    def was_set_back(self) -> bool:
        """Whether the clock shows a time that it has shown before."""
        return self.clock.now() < self._latest

    def edit(self) -> str:
        """Change a random CronJob, as a page would: its schedule, a pause, its end."""
        what = self.chance.choice(("schedule", "schedule", "pause", "resume", "resume", "replace"))
        with self.database.reading() as connection:
            job = self.chance.choice(cron_jobs.all_of(connection, 1))
        expression, zone = self.chance.choice(EXPRESSIONS), self.chance.choice(ZONES)
        with self.database.writing() as connection:
            now = self._hold(connection, job.id)
            current = cron_jobs.by_id(connection, 1, job.id)
            assert current is not None
            if what == "schedule":
                fields = {name: getattr(current, name) for name in CronJobFields.__dataclass_fields__}
                wanted = replace(CronJobFields(**fields), expression=expression, timezone=zone)
                assert cron_job_changes.save(connection, current, wanted, now)
            elif what == "pause":
                cron_job_pauses.suspend(connection, current, "a pause", now)
            elif what == "resume":
                cron_job_pauses.resume(connection, current, now)
            else:
                cron_job_changes.remove(connection, current, now)
        if what == "schedule":
            self._note(job.id, now, expression, zone)
        elif what == "replace":
            self._note(job.id, now, None, "UTC")
            self.create()
        doorbell.ring(self.data_dir, doorbell.SCHEDULE)
        return what

    def save_on_page(self) -> str:
        """Change a schedule in the dashboard, whose process may be killed by it: then it is saved, or not at all.

        The clock stands still meanwhile: nobody else can tell at what moment the page took the edit.
        """
        page = Page(self.service.port)
        self.clock.run_at(0)
        try:
            if not page.log_in():
                return "none, the page was away"
            with self.database.reading() as connection:
                jobs = cron_jobs.all_of(connection, 1)
            job = self.chance.choice(
                [job for job in jobs if job.concurrency_policy != "Replace" and job.catch_up != "all"]
            )
            expression, zone = self.chance.choice(EXPRESSIONS), self.chance.choice(ZONES)
            answered = page.save(job.id, _form(job) | {"expression": expression, "timezone": zone})
            with self.database.reading() as connection:
                after = cron_jobs.by_id(connection, 1, job.id)
            assert after is not None
            if after.revision != job.revision:
                self._note(job.id, self.clock.now(), after.expression, after.timezone)
            elif answered:
                return "refused on the page"
        finally:
            self.clock.run_at(self.wish.rate)
        return "on the page" if answered else "on the page, without an answer"

    def arm(self, failpoint: str) -> None:
        """Let the service be started with a failpoint."""
        (self.data_dir / "torture").touch()
        self.service.env["HEXASCHED_FAILPOINT"] = failpoint

    def thaw(self) -> None:
        """Let everything go on that a failpoint has stopped."""
        for pid in self.service.tree():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    @property
    def obeyed(self) -> list[str]:
        """The failpoints that were reached so far."""
        notes = self.data_dir / "torture"
        return notes.read_text().split() if notes.exists() else []

    def _hold(self, connection: Connection, cron_job_id: int) -> datetime:
        """The time at which nobody else can change the CronJob any more until this transaction ends."""
        if not self.database.is_sqlite:
            connection.execute(text(f"SELECT id FROM cron_jobs WHERE id = {cron_job_id} FOR UPDATE"))
        return self.clock.now()

    def _note(self, cron_job: int, at: datetime, expression: str | None, zone: str) -> None:
        change = {"cron_job": cron_job, "at": at.isoformat(), "expression": expression, "zone": zone}
        with self._changes.open("a") as file:
            file.write(json.dumps(change) + "\n")

    def revive(self) -> None:
        """Start the service again if it gave up or was killed, as systemd would."""
        if self.service.process is None or self.service.process.poll() is not None:
            self.service.start()
            self.figures["starts"] += 1

    def drain(self) -> None:
        """Delete all CronJobs and wait until everything has come to its end."""
        self.service.env.pop("HEXASCHED_FAILPOINT", None)
        self.thaw()
        self.revive()
        if self.was_set_back:
            self.jump(self._latest - self.clock.now())
        with self.database.reading() as connection:
            jobs = cron_jobs.all_of(connection, 1)
        for job in jobs:
            with self.database.writing() as connection:
                now = self._hold(connection, job.id)
                cron_job_changes.remove(connection, job, now)
            self._note(job.id, now, None, "UTC")
        end = self.clock.now()
        wait_until(
            lambda: not self._unfinished(), deadline_s=DRAIN_S, what="the end of all runs and mails", every_s=0.2
        )
        self.figures["minutes of cron"] = round((end - self._began).total_seconds() / 60)

    def _unfinished(self) -> int:
        self.thaw()  # what a failpoint has stopped since
        self.revive()
        query = (
            "SELECT (SELECT count(*) FROM runs WHERE finished_at IS NULL)"
            " + (SELECT count(*) FROM outbox WHERE sent_at IS NULL)"
        )
        with self.database.reading() as connection:
            return int(connection.execute(text(query)).scalar_one()) + self.ledger.open

    def stop(self) -> list[str]:
        """End the service; what is left of it."""
        if self._database is not None:
            self._database.close()
            self._database = None
        left = []
        if self.service.process is not None and self.service.process.poll() is None:
            status = self.service.stop(deadline_s=90)
            left += [f"the service ended with {status}"] if status else []
        try:
            wait_until(lambda: not self.service.leftovers() and not self.ledger.open, deadline_s=15, what="the end")
        except AssertionError:
            left += [*self.service.leftovers(), f"{self.ledger.open} functions still talk to the ledger"]
        return left

    def kill(self) -> None:
        """End everything, whatever its state."""
        if self.service.process is not None and self.service.process.poll() is None:
            self.service.kill_all()
        self.ledger.close()

    def evidence(self, leftovers: list[str]) -> Evidence:
        """All that the oracle may see. The service has ended."""
        address = self.wish.database_url or str(self.database_file)
        tables, refusals, integrity = read_tables(address)
        return Evidence(
            tables=tables,
            refusals=refusals,
            integrity=integrity,
            changes=read_changes(self._changes),
            ledger=read_ledger(self.ledger.path),
            log=self.service.log(),
            mails=Counter(str(mail["Message-ID"]) for mail in self._inbox.mails),
            rate=self.clock.rate,
            calm=self.calm,
            roomy=self.roomy,
            leftovers=leftovers,
        )

    @property
    def database_file(self) -> Path:
        """Where SQLite's file lies, as the driver sees it."""
        return self.data_dir / "hexasched.db"


def _form(job: CronJob) -> dict[str, str]:
    names = ("name", "timezone", "event", "concurrency_policy", "catch_up", "max_attempts", "revision")
    return {name: str(getattr(job, name)) for name in names} | {"function": job.function_name}


def pause(seconds: float) -> None:
    """Let the service work."""
    Event().wait(seconds)
