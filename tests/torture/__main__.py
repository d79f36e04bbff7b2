"""`make torture`: a service under random faults, judged by an oracle that knows nothing of its code.

The seed decides what is done; when it hits what is up to the machine. After a broken promise the data is kept.
"""

import argparse
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from hexasched import linux
from tests import postgres
from tests.small_disk import SmallDisk
from tests.torture import faults
from tests.torture.faults import Fault
from tests.torture.rig import Wish, new_folder
from tests.torture.run import Verdict, torture

# Berlin twice, Lord Howe's half hour, New York twice; UTC.
NIGHTS = (
    *("2026-03-29T00:35+00:00", "2026-10-25T00:10+00:00", "2026-04-04T14:35+00:00"),
    *("2026-11-01T05:20+00:00", "2026-03-08T06:35+00:00"),
)
LONG_S = 300.0


def main() -> None:
    """Exit 0 if every promise was kept."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is ended then, too
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long faults happen")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--backend", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--meta", action="store_true", help="break the program on purpose; each must be found")
    parser.add_argument("--clock", action="store_true", help="the clock jumps, through a night of a change of time")
    parser.add_argument("--disk", action="store_true", help="the disk is full now and then (root)")
    parser.add_argument("--points", action="store_true", help="only: a process is killed at each failpoint in turn")
    wanted = parser.parse_args()
    if wanted.meta:
        sys.exit(0 if min([found(promise, wanted.seed) for promise in faults.META]) else 1)
    begin = datetime.fromisoformat(NIGHTS[wanted.seed % len(NIGHTS)]) if wanted.clock else None
    print(f"seed {wanted.seed}, {wanted.backend}, {wanted.seconds:.0f} s, from {begin or 'now'}", flush=True)
    with database_url(wanted.backend) as url, data_disk(wanted.disk) as (folder, disk):
        wish = Wish(seed=wanted.seed, database_url=url, begin=begin, disk=disk)
        verdict = torture(wish, wanted.seconds, chosen(wanted, url), folder)
        show(verdict)
    sys.exit(1 if verdict.broken else 0)


def chosen(wanted: argparse.Namespace, url: str) -> tuple[Fault, ...]:
    """What is done to the service."""
    if wanted.points:
        return (faults.break_at_every_point,)
    picked = faults.ALL + (faults.POSTGRES if url else ())
    picked += (faults.set_clock, faults.set_clock) if wanted.clock else ()
    picked += (faults.fill_disk, faults.fill_disk) if wanted.disk else ()
    return picked + ((faults.freeze_for_a_lease,) if wanted.seconds >= LONG_S else ())


@contextmanager
def data_disk(small: bool) -> Iterator[tuple[Path, SmallDisk | None]]:
    """A folder for the torture; its folder `data` is a disk of its own if it is to be small."""
    folder = new_folder()
    if not small:
        yield folder, None
        return
    # SQLite follows every link in a path, out of another process's view too: so the view has to be the driver's own.
    linux.unshare_mounts()
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_SLAVE)
    (folder / "data").mkdir()
    linux.mount("none", str(folder / "data"), "tmpfs", options="size=192m,mode=0755")
    yield folder, SmallDisk((), folder / "data")
    kept = (folder / "ledger.jsonl").exists()
    for file in (folder / "data").glob("hexasched.db*") if kept else ():
        shutil.copy(file, folder)
    subprocess.run(["umount", str(folder / "data")], check=True)
    if not kept:
        shutil.rmtree(folder)


def found(promise: str, seed: int) -> bool:
    """Whether the torture finds a program that breaks this promise."""
    began = time.monotonic()
    seconds, done = faults.META[promise]
    verdict = torture(Wish(seed=seed, breaks=promise), seconds, done, new_folder())
    print(f"{promise}: {'found' if verdict.broken else 'NOT FOUND'} after {time.monotonic() - began:.0f} s", flush=True)
    for broken in verdict.broken[:4]:
        print(f"  {broken}")
    shutil.rmtree(verdict.folder, ignore_errors=True)
    return bool(verdict.broken)


@contextmanager
def database_url(backend: str) -> Iterator[str]:
    """The address of an empty database of a throw-away server; empty for SQLite."""
    if backend == "sqlite":
        yield ""
        return
    with postgres.server() as address, postgres.fresh_database(address) as url:
        yield url


def show(verdict: Verdict) -> None:
    """Figures, then what was broken."""
    for name, figure in sorted(verdict.figures.items()):
        print(f"  {name:<28} {figure:g}")
    for broken in verdict.broken:
        print(f"BROKEN {broken}")
    print(f"the data is in {verdict.folder}" if verdict.broken else "every promise was kept", flush=True)


if __name__ == "__main__":
    main()
