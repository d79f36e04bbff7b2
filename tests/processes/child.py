"""A child of the tested supervisor; notes its pid in `<folder>/<name>.pid` and its end in `<folder>/stopped`."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from hexasched.errors import TryAgainError
from hexasched.supervisor.ready import say_ready


def behave(folder: Path, name: str, behaviour: str) -> None:
    """`behaviour` is good, slow, stubborn, silent, unable, unlucky, dying, parent or forker."""
    _may_end_at_once(behaviour, folder / f"{name}.tried")

    def stop(_number: int, _frame: FrameType | None) -> None:
        (folder / f"{name}.told").touch()
        if behaviour == "stubborn":
            return
        if behaviour == "slow":
            signal.alarm(1)
            signal.pause()
        with (folder / "stopped").open("a") as notes:
            notes.write(f"{name}\n")
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGALRM, lambda _number, _frame: None)
    if behaviour == "forker":
        # The grandchild's parent is gone at once; the grandchild ends by itself.
        subprocess.run(["sh", "-c", 'sh -c \'echo $$ > "$0"\' "$0" &', folder / f"{name}-child.pid"], check=True)
    (folder / f"{name}.new").write_text(str(os.getpid()))
    (folder / f"{name}.new").rename(folder / f"{name}.pid")
    if behaviour != "silent":
        say_ready()
    if behaviour == "parent":
        # A session of its own and no interest in SIGTERM: what a daemon does to outlive its parent.
        argv = [sys.executable, "-m", "tests.processes.child", str(folder), f"{name}-child", "stubborn"]
        subprocess.Popen(argv, start_new_session=True)
    while True:
        signal.pause()


def _may_end_at_once(behaviour: str, tried: Path) -> None:
    statuses = {"unable": 1, "dying": 7, "unlucky": TryAgainError.exit_status}
    if behaviour in statuses and not (behaviour == "unlucky" and tried.exists()):
        tried.touch()
        sys.exit(statuses[behaviour])


if __name__ == "__main__":
    behave(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
