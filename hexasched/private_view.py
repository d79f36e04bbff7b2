"""Lets an unprivileged uid reach the installation under folders that are closed to it, in a view of its own.

A clone under a 0700 folder, or an interpreter under /root, can't be read by the uid that the service runs as. Opening
those folders would change the machine. Instead the process gets a mount namespace of its own, in which an empty
folder covers the closed one and only what is needed appears in it, at its usual path: code read-only, data writable.
All else that the closed folder holds is out of sight, and the machine's own mounts stay as they are.
"""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hexasched import linux
from hexasched.errors import HexaSchedError

TUN = Path("/dev/net/tun")
TUN_DEVICE = os.makedev(10, 200)  # Documentation/admin-guide/devices.txt of Linux


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Whom a process becomes."""

    uid: int
    gid: int


@contextmanager
def acting_as(who: Identity) -> Iterator[None]:
    """For a moment the kernel judges this root process's accesses as those of `who`."""
    os.setegid(who.gid)
    os.seteuid(who.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def arrange(who: Identity, code: Sequence[Path], data_dir: Path) -> None:
    """Make `code` (read-only) and `data_dir` (writable) reachable, and /dev/net/tun usable, for `who`.

    Does nothing when they are. Called by root without supplementary groups, in a process of one thread.
    Raises HexaSchedError naming the closed folder when this process may not have a view of its own.
    """
    data = data_dir.resolve()
    keep = _outermost({path.resolve() for path in code if path.exists()} - {data}) | {data}
    links = {link: target for path in [*code, data_dir] for link, target in _links_on_the_way(path)}
    with acting_as(who):
        closed = sorted({top for path in [*keep, *links] if (top := _first_closed(path))})
    tun_needed = TUN.parent.is_dir() and not _tun_usable(who)
    if not closed and not tun_needed:
        return
    try:
        linux.unshare_mounts()
        # What is mounted here stays here; what the machine unmounts later goes away here too.
        linux.mount("none", "/", flags=linux.MS_REC | linux.MS_SLAVE)
        for top in closed:
            _cover(top, {path: path == data for path in keep if path.is_relative_to(top)}, links)
        if tun_needed:
            _provide_tun()
    except PermissionError:
        if closed:
            raise HexaSchedError(_cure(who, closed[0])) from None
        # Only the tunnel is missing: the sandbox's own check says what that costs.


def _cure(who: Identity, folder: Path) -> str:
    return (
        f"The service gives up root and runs as uid {who.uid}, to which the folder {folder} is closed, and this "
        "process may not mount anything to show it the installation there. Install HexaSched in an open folder "
        f"such as /opt, or open this one: chmod o+x {folder}"
    )


def _outermost(paths: set[Path]) -> set[Path]:
    return {path for path in paths if not paths.intersection(path.parents)}


def _first_closed(path: Path) -> Path | None:
    """The topmost folder above `path` that the acting uid can't enter; `path` itself is not looked at."""
    for folder in reversed(path.parents):
        if not os.access(folder, os.X_OK, effective_ids=True):
            return folder
    return None


def _links_on_the_way(path: Path) -> Iterator[tuple[Path, Path]]:
    """Each symbolic link that is followed from / to `path`: where it really lies, and its target as written."""
    done, rest = Path("/"), list(path.absolute().parts[1:])
    while rest:
        part = rest.pop(0)
        here = done.parent if part == ".." else done / part
        if here.is_symlink():
            target = here.readlink()
            yield here, target
            rest = [*target.parts[target.is_absolute() :], *rest]
            done = Path("/") if target.is_absolute() else done
        else:
            done = here


def _cover(top: Path, keep: Mapping[Path, bool], links: Mapping[Path, Path]) -> None:
    """An empty folder over `top`, with the paths of `keep` (to whether they are writable) and `links` in it."""
    # Opened before the cover hides them. The data comes last, because it may lie inside the code.
    ordered = sorted(keep, key=lambda path: (keep[path], path))
    fds = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in ordered}
    linux.mount("tmpfs", str(top), "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=0755,size=1m")
    for path, fd in fds.items():
        _make_mount_point(path, is_folder=stat.S_ISDIR(os.fstat(fd).st_mode))
        linux.mount(f"/proc/self/fd/{fd}", str(path), flags=linux.MS_BIND | linux.MS_REC)
        os.close(fd)
        if not keep[path]:
            _read_only(path)
    for link, target in links.items():
        if link.is_relative_to(top) and not os.path.lexists(link):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target)
    _read_only(top)


def _make_mount_point(path: Path, *, is_folder: bool) -> None:
    if is_folder:
        path.mkdir(parents=True, exist_ok=True)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _read_only(mounted: Path) -> None:
    flags = linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | linux.MS_NOSUID | linux.MS_NODEV
    linux.mount("none", str(mounted), flags=flags)


def _tun_usable(who: Identity) -> bool:
    with acting_as(who):
        try:
            os.close(os.open(TUN, os.O_RDWR | os.O_CLOEXEC))
        except OSError:
            return False
    return True


def _provide_tun() -> None:
    # The machine's own node keeps its mode; this one is seen by this process and its children only.
    linux.mount("tmpfs", str(TUN.parent), "tmpfs", linux.MS_NOSUID | linux.MS_NOEXEC, "mode=0755,size=4k")
    os.mknod(TUN, stat.S_IFCHR, TUN_DEVICE)
    TUN.chmod(0o666)
