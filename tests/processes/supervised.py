"""A small supervisor to test: its children are behaviours of `child.py`; prints READY, and what went wrong."""

import json
import os
import sys

from hexasched import logs
from hexasched.errors import HexaSchedError
from hexasched.supervisor.children import Child
from hexasched.supervisor.patience import Patience
from hexasched.supervisor.supervise import supervise


def main() -> None:
    """argv: a folder, a JSON object of Patience, then for each child name:behaviour:stop_rank:stop_s."""
    folder, patience, *specs = sys.argv[1:]
    logs.set_up("supervisor")
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


def make_child(folder: str, name: str, behaviour: str, stop_rank: str, stop_s: str) -> Child:
    return Child(
        name=name,
        argv=(sys.executable, "-m", "tests.processes.child", folder, name, behaviour),
        env=dict(os.environ),
        stop_rank=int(stop_rank),
        stop_s=float(stop_s),
    )


if __name__ == "__main__":
    main()
