"""The jobs that a keeper has in hand: those that wait for their network, and those that run."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from hexasched import logs
from hexasched.domain.outcomes import Outcome
from hexasched.errors import FULL_DISK, is_full_disk
from sandbox import cgroups, confined, launch, limits
from sandbox.cgroups import Group
from sandbox.classify import Cause, internal, stopped
from sandbox.jobs import Finished, Job, Message, SandboxSettings
from sandbox.loop import Loop
from sandbox.namespaces import Entry, Namespaces
from sandbox.run import Run
from sandbox.slots import Slots, clear, open_tree, open_way
from sandbox.spool import Spool, now_ms

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)

ETC = {
    "passwd": "sandbox:x:1000:1000:sandbox:/tmp:/nonexistent\n",
    "group": "sandbox:x:1000:\n",
    # Not ::1 too: behind a port of the host's loopback that is opened there may be nobody on that address.
    "hosts": "127.0.0.1 localhost sandbox\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "resolv.conf": "",
}


NO_NETWORK = (
    "This service can give functions no network of their own, because user namespaces are refused here. "
    'Its operator can let them use the machine\'s network: sandbox.network = "host".'
)


class Roster:
    """Takes jobs, starts them when their network is there, and tells the worker of each until it is Finished."""

    def __init__(self, loop: Loop, settings: SandboxSettings, tell: Callable[[Message], None]) -> None:
        """Use the folders etc, spool and scratch in the settings' state_dir; they are made."""
        self._loop, self._settings, self._report = loop, settings, tell
        state = Path(settings.state_dir)
        self._etc, self._spools, self._scratch = state / "etc", state / "spool", state / "scratch"
        self._slots = Slots(left_in=state.parent) if settings.mode == "landlock" else None
        # A keeper that was killed could not clean up behind it.
        shutil.rmtree(self._scratch, ignore_errors=True)
        for folder in (self._etc, self._spools, self._scratch):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, text in ETC.items():
            (self._etc / name).write_text(text)
        # No other keeper has this folder, so no other has groups of this name.
        self._prefix = state.name
        if settings.cgroup is not None:
            cgroups.sweep(Path(settings.cgroup), self._prefix)
        self._namespaces = Namespaces(loop, settings, self._etc)
        self._users: dict[str, int] = {}
        self._waiting: dict[str, tuple[Job, Spool]] = {}
        self._runs: dict[str, Run] = {}

    @property
    def empty(self) -> bool:
        """Whether no job is in hand."""
        return not (self._waiting or self._runs)

    @property
    def wake_at(self) -> float:
        """When `tick` is due, on the monotonic clock."""
        return min([run.wake_at for run in self._runs.values()] + [self._namespaces.wake_at])

    @property
    def pids(self) -> set[int | None]:
        """The processes that are waited for by somebody here."""
        return {pid for run in self._runs.values() for pid in run.pids}.union(self._namespaces.pids)

    def submit(self, job: Job) -> None:
        """Take a job; whatever is wrong with it, it ends with a Finished."""
        if not KEY.fullmatch(job.key) or job.key in self._waiting or job.key in self._runs:
            self._tell(Finished(key=job.key, size=0, outcome=internal("The key of this job can't be used.")))
            return
        try:
            spool = Spool(self._spools / f"{job.key}.log")
        except OSError as error:
            logs.failure("sandbox.no_spool", key=job.key)
            why = FULL_DISK if is_full_disk(error) else f"{error.strerror}."
            self._tell(Finished(key=job.key, size=0, outcome=internal(f"Its output can't be kept: {why}")))
            return
        self._waiting[job.key] = (job, spool)
        wants_network = job.network == "outbound" and job.mode != "analyse" and self._settings.network != "host"
        if self._settings.mode == "landlock" and wants_network:
            self._finish_unstarted(job.key, spool, internal(NO_NETWORK))
        elif self._settings.mode == "bubblewrap" and wants_network:
            self._namespaces.enter(job.workspace, job.key, partial(self._enter, job.key))
        else:
            self._start(job.key, None)

    def stop(self, key: str, cause: Cause) -> None:
        """End a job; nothing happens if it is not in hand (its Finished is on the way then)."""
        if key in self._runs:
            self._runs[key].stop(cause)
        elif key in self._waiting:
            job, spool = self._waiting[key]
            self._finish_unstarted(key, spool, stopped(cause, job.limits))

    def answer(self, key: str, answer: dict[str, Any]) -> None:
        """Answer a request of a job, if it is still there."""
        if key in self._runs:
            self._runs[key].answer(answer)

    def stop_all(self, cause: Cause) -> None:
        """End all jobs."""
        for key in [*self._waiting, *self._runs]:
            self.stop(key, cause)

    def kill_all(self) -> None:
        """Kill all that runs, also what is ending for another reason."""
        for run in self._runs.values():
            run.kill()

    def tick(self, now: float) -> None:
        """Do what is due at `now`."""
        for run in list(self._runs.values()):
            if now >= run.wake_at:
                run.tick(now)
        self._namespaces.tick(now)

    def close(self) -> None:
        """End the networks; there must be no job any more."""
        self._namespaces.close()

    def _enter(self, key: str, entry: Entry) -> None:
        _, spool = self._waiting[key]
        if entry.failure is not None:
            message = f"The network of the sandbox could not be set up: {entry.failure}."
            self._finish_unstarted(key, spool, internal(message))
            return
        if entry.pid is None:
            spool.add("s", b"This machine has no way out to a network, so the function has no network.\n", now_ms())
        self._start(key, entry.pid)

    def _start(self, key: str, namespace_pid: int | None) -> None:
        job, spool = self._waiting[key]
        try:
            run = Run(job, self._compose(job, namespace_pid), spool, self._loop, self._tell)
        except (OSError, ValueError) as error:
            logs.failure("sandbox.launch_failed", key=key)
            self._clean_up(job)
            self._finish_unstarted(
                key, spool, internal(f"The sandbox could not be started: {FULL_DISK if is_full_disk(error) else error}")
            )
            return
        del self._waiting[key]
        self._runs[key] = run

    def _compose(self, job: Job, namespace_pid: int | None) -> launch.Launch:
        if self._settings.mode == "bubblewrap":
            command = launch.in_bubblewrap(job, self._settings, self._etc, namespace_pid)
            path = self._group_path(job)
            return replace(command, group=Group.make(path, job, limits.scratch_bytes(job))) if path else command
        folder = self._scratch / job.key
        if self._slots is None:
            return launch.without_sandbox(job, self._settings, folder)
        uid = self._users[job.key] = self._slots.take()
        open_way(folder)
        return confined.in_slot(job, self._settings, folder, uid)

    def _group_path(self, job: Job) -> Path | None:
        return Path(self._settings.cgroup) / f"{self._prefix}.{job.key}" if self._settings.cgroup else None

    def _clean_up(self, job: Job) -> None:
        folder = self._scratch / job.key
        if path := self._group_path(job):
            Group(path).remove()  # if it never came to its processes
        if self._slots is not None and (uid := self._users.pop(job.key, None)) is not None:
            clear(uid, folder / "tmp")
            if job.mode == "install":
                open_tree(uid, Path(job.code_dir))
            self._slots.give(uid)
        if self._settings.mode != "bubblewrap":
            shutil.rmtree(folder, ignore_errors=True)

    def _finish_unstarted(self, key: str, spool: Spool, outcome: Outcome) -> None:
        del self._waiting[key]
        spool.close(now_ms())
        self._tell(Finished(key=key, size=spool.size, outcome=outcome))

    def _tell(self, message: Message) -> None:
        if isinstance(message, Finished):
            if run := self._runs.pop(message.key, None):
                self._clean_up(run.job)
            self._namespaces.leave(message.key)
        self._report(message)
