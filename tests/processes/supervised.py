"""A small supervisor to test: its children are behaviours of `child.py`; prints READY, and what went wrong."""

import json
import os
import sys
from functools import partial
from pathlib import Path

from hexasched import logs
from hexasched.errors import HexaSchedError
from hexasched.supervisor.children import Child
from hexasched.supervisor.forking import Program
from hexasched.supervisor.patience import Patience
from hexasched.supervisor.supervise import supervise
from tests.processes import child


def main() -> None:
    """argv: a folder, a JSON object of Patience, then for each child name:behaviour:stop_rank:stop_s."""
    folder, patience, *specs = sys.argv[1:]
    logs.set_up("supervisor")
    lock = Path(folder, "lock").open("w")  # noqa: SIM115 - open as long as this runs; no child may have it
    notify_socket = os.environ.pop("NOTIFY_SOCKET", "")
    try:
        supervise(
            [make_child(folder, *spec.split(":")) for spec in specs],
            on_ready=lambda: print("READY", flush=True),  # noqa: T201 - read by the test
            notify_socket=notify_socket,
            patience=Patience(**json.loads(patience)),
        )
    except HexaSchedError as error:
        sys.exit(str(error))
    lock.close()


def make_child(folder: str, name: str, behaviour: str, stop_rank: str, stop_s: str) -> Child:
    return Child(
        name=name,
        program=Program(
            words=(sys.executable, "-m", "tests.processes.child", folder, name, behaviour),
            env={key: value for key, value in os.environ.items() if key != "LEFT_OUT"} | {"CHILD": name},
            main=partial(child.behave, Path(folder), name, behaviour),
        ),
        stop_rank=int(stop_rank),
        stop_s=float(stop_s),
    )


if __name__ == "__main__":
    main()
