"""Decides for which functions a process waits: those that fire within seconds first, then those that ran lately."""

import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hexasched import logs
from hexasched.errors import HexaSchedError, StoreBusyError
from hexasched.store import coming, env_vars, preloads
from hexasched.store.coming import VersionWork
from hexasched.store.database import Connection
from sandbox.jobs import Job, NotPreloaded
from workers import environments
from workers.budget import budget_for, memory_here
from workers.files import has_modules
from workers.running import optional_names, said_of, template_for
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
        self._revisions: dict[int, int] = {}  # of the variables that a template of a version is for
        self._told: list[Job] = []
        self._failed: dict[int, str] = {}  # versions for which no process can wait, and why
        self._noted: dict[int, str] = {}

    def used(self, function_id: int) -> None:
        """A function runs: it may soon do so again."""
        self._used.pop(function_id, None)
        self._used[function_id] = time.monotonic()

    def could_not_preload(self, message: NotPreloaded) -> None:
        """Its runs go on cold, until there is a new version or a variable changes."""
        found = [version_id for version_id, template in self._templates.items() if template.key == message.key]
        why = f"preload failed: {message.why.removesuffix('.')}. Runs go on cold."
        self._failed |= dict.fromkeys(found, why)

    def look(self, now: datetime) -> None:
        """Tell the keeper if something else is wanted now. Raises StoreBusyError, KeeperGoneError."""
        if self._room == 0:
            return
        oldest = time.monotonic() - RECENT_S
        self._used = {function_id: at for function_id, at in self._used.items() if at > oldest}
        self._note_failed()
        wanted = [template for version_id in self._versions(now) if (template := self._template(version_id))]
        if wanted != self._told:
            self._shop.keeper.keep_warm(wanted, self._room)
            self._told = wanted

    def _note_failed(self) -> None:
        if self._failed == self._noted:
            return
        with self._shop.database.writing() as connection:
            preloads.note(connection, self._shop.worker_id, self._failed)
        self._noted = dict(self._failed)

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
        self._forget_changed()
        return wanted

    def _forget_changed(self) -> None:
        """Make the templates of versions whose variables have changed anew, where that matters."""
        reused = [version_id for version_id, template in self._templates.items() if template.limits.same_env]
        reused += self._failed
        if not reused:
            return
        with self._shop.database.reading() as connection:
            revisions = coming.env_revisions(connection, reused)
        for version_id in reused:
            if revisions.get(version_id) != self._revisions.get(version_id):
                self._templates.pop(version_id, None)
                self._failed.pop(version_id, None)

    def _template(self, version_id: int) -> Job | None:
        """None while it can't be had: its packages are not on this host yet, or its runtime never will be."""
        if version_id in self._failed:
            return None
        if version_id in self._templates:
            return self._templates[version_id]
        try:
            template = self._make_template(version_id)
        except StoreBusyError:
            raise
        except OSError as error:
            logs.warning("warm.no_files", version_id=version_id, error=error)
            return None
        except Exception as error:  # noqa: BLE001 - one version that can't be made ready must not end the worker
            logs.failure("warm.not_possible", version_id=version_id)
            why = str(error) if isinstance(error, HexaSchedError) else said_of(error)
            self._failed[version_id] = f"no process can be made ready for its runs: {why}"
            return None
        if template is not None:
            self._templates[version_id] = template
        return template

    def _make_template(self, version_id: int) -> Job | None:
        with self._shop.database.reading() as connection:
            # Read before the values: if these change in between, the next look sees another number.
            self._revisions |= coming.env_revisions(connection, [version_id])
            work = coming.load_version(connection, version_id)
            if work is None:
                return None
            told = self._told_ahead(connection, work) if work.program.limits.same_env else {}
        unpacked = work.artifact_id is None or has_modules(self._shop.data_dir, work.artifact_id)
        if not unpacked or work.program.runtime not in self._shop.runtimes:
            return None
        return replace(template_for(self._shop, work), **told)

    def _told_ahead(self, connection: Connection, work: VersionWork) -> dict[str, Any]:
        variables = env_vars.values(connection, self._shop.keys, work.function_id)
        secrets = env_vars.secret_names(connection, work.function_id)
        environment = {"environment": environments.name_of(variables, secrets)}
        if not work.program.limits.preload:
            return environment
        # Code at the top of a module reads variables.
        return {**environment, "env": variables, "secrets": secrets, "optional_env": optional_names(work)}
