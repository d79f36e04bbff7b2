"""A worker for tests of the sandbox, in a process of its own that is nobody special: `python -m … DATA_DIR [KEEPER]`.

Reads orders as JSON lines on standard input and writes what its keeper says as JSON lines on standard output. It
beats five times a second until it is told "mute".
"""

import json
import os
import selectors
import subprocess
import sys
from pathlib import Path
from typing import Any

from hexasched.privileges import drop_root, keep_nothing
from sandbox import wire
from sandbox.client import Keeper, KeeperGoneError
from workers.facts import needs_slots

BEAT_S = 0.2


def say(**what: Any) -> None:
    """One line to the test."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def obey(keeper: Keeper, order: dict[str, Any]) -> None:
    """Do what the test wants."""
    match order["type"]:
        case "submit":
            keeper.submit(wire.job_from_json(order["job"]))
        case "warm":
            keeper.keep_warm([wire.job_from_json(job) for job in order["jobs"]], order.get("room", len(order["jobs"])))
        case "stop":
            keeper.stop(order["key"], order["cause"])
        case "answer":
            keeper.answer(order["key"], order["answer"])


def serve(keeper: Keeper) -> None:
    """Pass orders on and messages back until the test closes standard input."""
    waiting, orders, beating = selectors.DefaultSelector(), b"", True
    waiting.register(0, selectors.EVENT_READ)
    waiting.register(keeper, selectors.EVENT_READ)
    while True:
        waiting.select(BEAT_S)
        if beating:
            keeper.beat()
        for message in keeper.messages():
            say(**wire.message_to_json(message))
        if 0 in {key.fd for key, _ in waiting.select(0)}:
            piece = os.read(0, 1 << 20)
            if not piece:
                return
            *lines, orders = (orders + piece).split(b"\n")
            for order in map(json.loads, lines):
                beating = beating and order["type"] != "mute"
                obey(keeper, order)


def use_keeper(module: str) -> None:
    """Have `module` started wherever the keeper would be; one of the tests' own is found in the checkout."""
    popen = subprocess.Popen

    def start(command: list[str], **more: Any) -> subprocess.Popen[bytes]:
        return popen([module if part == "sandbox.keeper" else part for part in command], **more)

    subprocess.Popen = start  # type: ignore[misc, assignment]
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])


def main() -> None:
    """Give up root, start the keeper with the settings of the first line, serve."""
    drop_root(Path(sys.argv[1]), needs_slots=needs_slots)
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(0, 1)
    if sys.argv[2:]:
        use_keeper(sys.argv[2])
    keeper = Keeper.start(wire.settings_from_json(json.loads(line)))
    keep_nothing()
    say(type="keeper", pid=keeper.pid, uid=os.getuid())
    try:
        serve(keeper)
    except KeeperGoneError:
        say(type="gone")
    keeper.close()


if __name__ == "__main__":
    main()
