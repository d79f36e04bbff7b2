"""Decides for which functions a process waits: those that fire within seconds first, then those that ran lately."""

import time
from datetime import datetime, timedelta

from hexasched import logs
from hexasched.store import coming
from sandbox.jobs import Job
from workers.budget import budget_for, memory_here
from workers.files import has_modules
from workers.running import template_for
from workers.shop import Shop

AHEAD = timedelta(seconds=20)
"""How long before its moment a process is started: far more than that takes, also for many at once."""

RECENT_S = 600.0


class Warming:
    """What the keeper was last told to keep ready."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._room = budget_for(shop.config, memory_here()).room
        self._used: dict[int, float] = {}
        self._templates: dict[int, Job] = {}
        self._told: list[Job] = []

    def used(self, function_id: int) -> None:
        """A function runs: it may soon do so again."""
        self._used.pop(function_id, None)
        self._used[function_id] = time.monotonic()

    def look(self, now: datetime) -> None:
        """Tell the keeper if something else is wanted now. Raises StoreBusyError, KeeperGoneError."""
        if self._room == 0:
            return
        oldest = time.monotonic() - RECENT_S
        self._used = {function_id: at for function_id, at in self._used.items() if at > oldest}
        wanted = [template for version_id in self._versions(now) if (template := self._template(version_id))]
        if wanted != self._told:
            self._shop.keeper.keep_warm(wanted)
            self._told = wanted

    def _versions(self, now: datetime) -> list[int]:
        """The versions in the order of their worth, each as often as it can be used at once, for the room there is."""
        slots = self._shop.config.slots
        with self._shop.database.reading() as connection:
            firing = coming.about_to_fire(connection, now + AHEAD, self._room)
            live = coming.live_versions(connection, self._used) if self._used else {}
        wanted = [version_id for version_id, count in firing for _ in range(min(count, slots))]
        recent = [live[function_id] for function_id in reversed(self._used) if function_id in live]
        wanted = [*wanted, *(version_id for version_id in recent if version_id not in wanted)][: self._room]
        self._templates = {key: template for key, template in self._templates.items() if key in wanted}
        return wanted

    def _template(self, version_id: int) -> Job | None:
        """None while it can't be had: its packages are not on this host yet, or its runtime never will be."""
        if version_id in self._templates:
            return self._templates[version_id]
        with self._shop.database.reading() as connection:
            work = coming.load_version(connection, version_id)
        unpacked = work.artifact_id is None or has_modules(self._shop.data_dir, work.artifact_id)
        if not unpacked or work.program.runtime not in self._shop.runtimes:
            return None
        try:
            self._templates[version_id] = template_for(self._shop, work)
        except OSError as error:
            logs.warning("warm.no_files", version_id=version_id, error=error)
            return None
        return self._templates[version_id]
