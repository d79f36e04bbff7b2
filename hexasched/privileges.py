"""Gives up root for good before any other work: whom to become, whose the data is, and the step itself.

The process goes on instead of starting itself again: every path stays what it was, so there is nothing to begin anew.
"""

import importlib.util
import os
import pwd
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hexasched import data_folder, linux, private_view
from hexasched.errors import HexaSchedError
from hexasched.private_view import Identity, acting_as

FALLBACK_UID = 61184
"""The service's uid and gid on a machine that has no user for it; needs no entry in /etc/passwd."""

_PACKAGES = ("hexasched", "web", "workers", "sandbox")


SLOT_RIGHTS = (linux.CAP_KILL, linux.CAP_SETGID, linux.CAP_SETUID)
SLOT_GID = 61440
"""Where user namespaces are refused, each run has a user of its own, and this is the group of all of them."""


def drop_root(
    data_dir: Path, readable: Sequence[Path] = (), user: str = "", needs_slots: Callable[[], bool] | None = None
) -> Identity | None:
    """Become the unprivileged service user in this process, for ever; None if it is not root.

    `user` is the configured name or uid, else: the owner of `data_dir`, the user hexasched, uid 61184. `data_dir` is
    made and given to it; the installation and `readable` are made reachable. Afterwards umask is 077 and HOME is
    `data_dir`. If then, as that user, `needs_slots` says so, the right to act as the users of runs is kept, for this
    process and its children. Comes before the first thread. Raises HexaSchedError with the cure in its message.
    """
    if os.geteuid() != 0:
        return None
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "a view of its own holds for one thread only"
    who = choose(user, data_dir)
    code = [path for path in [*installation(), *readable] if path.exists()]
    os.umask(0o022)
    try:
        os.setgroups([SLOT_GID] if needs_slots else [])
        data_folder.give(data_dir, who.uid, who.gid)
        private_view.arrange(who, code, data_dir)
        _check_access(who, code, data_dir)
        linux.prctl(linux.PR_SET_KEEPCAPS, 1)
        os.setresgid(who.gid, who.gid, who.gid)
        os.setresuid(who.uid, who.uid, who.uid)
        linux.set_capabilities(SLOT_RIGHTS if needs_slots and needs_slots() else ())
    except OSError as error:
        raise HexaSchedError(f"Root can't be given up here ({error}). Start HexaSched as an ordinary user.") from None
    _settle(who, data_dir)
    return who


def keep_nothing() -> None:
    """Give up what `drop_root` kept for the users of runs: only a worker's keeper needs it."""
    if linux.has_capabilities(SLOT_RIGHTS):
        linux.set_capabilities(())


def choose(user: str, data_dir: Path) -> Identity:
    """Whom the service becomes; raises HexaSchedError if `user` is root or unknown to this machine."""
    if user:
        return _named(user)
    if data_dir.exists() and (owner := data_dir.stat()).st_uid != 0:
        return Identity(uid=owner.st_uid, gid=owner.st_gid or owner.st_uid)
    try:
        return _named("hexasched")
    except HexaSchedError:
        return Identity(uid=FALLBACK_UID, gid=FALLBACK_UID)


def _named(user: str) -> Identity:
    try:
        entry = pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
        who = Identity(uid=entry.pw_uid, gid=entry.pw_gid)
    except KeyError:
        if not user.isdecimal():
            cure = f"Make it: useradd --system --user-group {user}"
            raise HexaSchedError(f"The setting user is {user!r}, and there is no such user. {cure}") from None
        who = Identity(uid=int(user), gid=int(user))
    if 0 in (who.uid, who.gid):
        raise HexaSchedError(f"The setting user is {user!r}, which has root's rights. Name another user.")
    return who


def installation() -> list[Path]:
    """What the running program consists of: the interpreter, its libraries, our packages."""
    prefixes = {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix, sys.executable}
    specs = [importlib.util.find_spec(name) for name in _PACKAGES]
    folders = {place for spec in specs if spec for place in spec.submodule_search_locations or ()}
    return [Path(path).absolute() for path in sorted(prefixes | folders)]


def _check_access(who: Identity, code: Sequence[Path], data_dir: Path) -> None:
    library = importlib.util.find_spec("click")
    samples = [Path(os.__file__), Path(__file__), *([Path(library.origin)] if library and library.origin else [])]
    with acting_as(who):
        for path in [*code, *samples]:
            if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0), effective_ids=True):
                raise HexaSchedError(_unreadable(who, path))
        if not os.access(data_dir, os.W_OK | os.X_OK, effective_ids=True):
            raise HexaSchedError(f"The data folder {data_dir} is not writable for uid {who.uid}, the service's user.")


def _unreadable(who: Identity, path: Path) -> str:
    part = next((top for top in installation() if path.is_relative_to(top)), None)
    if part is None:
        cure = f"Let it: chgrp {who.gid} {path} && chmod g+r {path}"
    else:
        cure = f"Perhaps it was made under umask 077. Open it: chmod -R go+rX {part}"
    return f"{path} is not readable for uid {who.uid}, as which the service runs once root is given up. {cure}"


def _settle(who: Identity, data_dir: Path) -> None:
    os.umask(0o077)
    # Changing the uid makes /proc/self root's own, until the next exec; children should find the same either way.
    linux.prctl(linux.PR_SET_DUMPABLE, 1)
    for name in [name for name in os.environ if name.startswith(("XDG_", "SUDO_")) or name == "MAIL"]:
        del os.environ[name]
    try:
        name = pwd.getpwuid(who.uid).pw_name
    except KeyError:
        name = "hexasched"
    os.environ.update(HOME=str(data_dir), USER=name, LOGNAME=name)
    try:
        os.chdir(Path.cwd())
    except OSError:
        os.chdir(data_dir)
