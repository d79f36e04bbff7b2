"""Starts a process for a job behind the walls of this keeper's tier, in its network, and cleans up behind it."""

import contextlib
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from hexasched import logs
from hexasched.domain.outcomes import Outcome
from hexasched.errors import FULL_DISK, is_full_disk
from sandbox import cgroups, confined, launch, limits
from sandbox.cgroups import Group
from sandbox.instance import Instance
from sandbox.jobs import Job, SandboxSettings
from sandbox.loop import Loop
from sandbox.namespaces import Entry, Namespaces
from sandbox.slots import Slots, clear, open_tree, open_way
from sandbox.stopped import internal
from sandbox.unfinished import end_unfinished

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

Then = Callable[[Instance | Outcome], None]


class Starter:
    """All that the processes of one keeper need around them: folders, networks, users, groups."""

    def __init__(self, loop: Loop, settings: SandboxSettings) -> None:
        """Use the folders etc and scratch in the settings' state_dir; they are made."""
        self._loop, self._settings = loop, settings
        state = Path(settings.state_dir)
        self._etc, self._scratch, self._prefix = state / "etc", state / "scratch", state.name
        self._slots = Slots(left_in=state.parent) if settings.mode == "landlock" else None
        # A keeper that was killed could not clean up behind it. No other has groups of this name.
        shutil.rmtree(self._scratch, ignore_errors=True)
        if settings.cgroup is not None:
            cgroups.sweep(Path(settings.cgroup), self._prefix)
        if settings.mode == "bubblewrap":
            end_unfinished()
        for folder in (self._etc, self._scratch):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, text in ETC.items():
            (self._etc / name).write_text(text)
        self._namespaces = Namespaces(loop, settings, self._etc)
        self._networks: dict[str, int] = {}
        self._users: dict[str, int] = {}

    @property
    def wake_at(self) -> float:
        """When `tick` is due, on the monotonic clock."""
        return self._namespaces.wake_at

    @property
    def pids(self) -> list[int]:
        """The processes that are waited for here."""
        return self._namespaces.pids

    def start(self, job: Job, then: Then) -> None:
        """Call `then` with the process, or with how the job ends without one; now, or when its network is up."""
        if not self._wants_namespace(job):
            self._launch(job, then, Entry())
        elif self._settings.mode == "landlock":
            then(internal(NO_NETWORK))
        else:
            self._namespaces.enter(job.workspace, job.key, partial(self._launch, job, then))

    def forget(self, key: str) -> None:
        """The job of that key no longer waits."""
        self._namespaces.leave(key)

    def fits(self, instance: Instance) -> bool:
        """Whether a process that was started before still has the network that it would get now."""
        job = instance.template
        return not self._wants_namespace(job) or self._namespaces.holds(job.workspace, self._networks.get(job.key))

    def clean_up(self, template: Job) -> None:
        """Remove what was made for a process that is dead, or that never was."""
        self._networks.pop(template.key, None)
        self._namespaces.leave(template.key)
        if path := self._group_path(template):
            Group(path).remove()  # if it never came to its processes
        folder = self._scratch / template.key
        if self._slots is not None and (uid := self._users.pop(template.key, None)) is not None:
            if template.mode == "install":
                open_tree(uid, Path(template.code_dir))
            pid = self._slots.retire(uid, partial(_remove, uid, folder))
            ended = os.pidfd_open(pid)
            self._loop.watch(ended, partial(self._tidied, pid, ended))
        elif self._settings.mode == "none":
            shutil.rmtree(folder, ignore_errors=True)

    def tick(self, now: float) -> None:
        """Do what is due at `now`."""
        self._namespaces.tick(now)

    def close(self) -> None:
        """End the networks; there must be no process any more."""
        self._namespaces.close()
        if self._slots is not None:
            self._slots.close()

    def _tidied(self, pid: int, ended: int) -> None:
        self._loop.forget(ended)
        os.close(ended)
        with contextlib.suppress(ChildProcessError):  # then it was waited for with the orphans
            os.waitpid(pid, 0)

    def _wants_namespace(self, job: Job) -> bool:
        wants_network = job.network == "outbound" and job.mode != "analyse" and self._settings.network != "host"
        return wants_network and self._settings.mode != "none"

    def _launch(self, job: Job, then: Then, entry: Entry) -> None:
        if entry.failure is not None:
            then(internal(f"The network of the sandbox could not be set up: {entry.failure}."))
            return
        if entry.pid is not None:
            self._networks[job.key] = entry.pid
        try:
            instance = Instance(job, self._compose(job, entry.pid), self._loop)
        except (OSError, ValueError) as error:
            logs.failure("sandbox.launch_failed", key=job.key)
            self.clean_up(job)
            then(internal(f"The sandbox could not be started: {FULL_DISK if is_full_disk(error) else error}"))
            return
        instance.offline = self._wants_namespace(job) and entry.pid is None
        then(instance)

    def _compose(self, job: Job, namespace_pid: int | None) -> launch.Launch:
        if self._settings.mode == "bubblewrap":
            if self._settings.network == "host":
                self._name_hosts_as_here()
            command = launch.in_bubblewrap(job, self._settings, self._etc, namespace_pid)
            path = self._group_path(job)
            return replace(command, group=Group.make(path, job, limits.scratch_bytes(job))) if path else command
        folder = self._scratch / job.key
        if self._slots is None:
            return launch.without_sandbox(job, self._settings, folder)
        uid = self._users[job.key] = self._slots.take()
        open_way(folder)
        return confined.in_slot(job, self._settings, folder, uid)

    def _name_hosts_as_here(self) -> None:
        """On the machine's own network names mean what they mean to the machine now."""
        for name in ("resolv.conf", "hosts"):
            new = self._etc / f"{name}.new"
            new.write_bytes(Path("/etc", name).read_bytes())
            new.rename(self._etc / name)

    def _group_path(self, job: Job) -> Path | None:
        return Path(self._settings.cgroup) / f"{self._prefix}.{job.key}" if self._settings.cgroup else None


def _remove(uid: int, folder: Path) -> None:
    clear(uid, folder / "tmp")
    shutil.rmtree(folder, ignore_errors=True)
