"""A wall clock that a test sets, runs faster and lets jump, for itself and for the service's processes.

Cron knows only minutes: in a minute of real time nothing much would happen. The monotonic clock, by which leases,
deadlines and the sandbox live, stays the machine's.
"""

import mmap
import shutil
import struct
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

_FACE = struct.Struct("=Qqqd")  # turn, since (monotonic ns), wall (ns), rate; the struct in clock.c
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """The wall clock in `folder`; without a C compiler it is the machine's, and `rate` and `jump` change nothing."""

    def __init__(self, folder: Path, begin: datetime | None) -> None:
        """It shows `begin` now (None: the machine's time) and runs as fast as real time."""
        self.environ: dict[str, str] = {}
        self.moves = shutil.which("cc") is not None
        self.rate = 1.0
        self._turn, self._since = 0, time.monotonic_ns()
        self._wall = time.time_ns() if begin is None else (begin - _EPOCH) // timedelta(microseconds=1) * 1000
        self._face: mmap.mmap | None = None
        if self.moves:
            self._make(folder)

    def _make(self, folder: Path) -> None:
        shim, face = folder / "clock.so", folder / "clock"
        source = Path(__file__).with_suffix(".c")
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", shim, source], check=True)
        face.write_bytes(bytes(_FACE.size))
        with face.open("r+b") as file:
            self._face = mmap.mmap(file.fileno(), _FACE.size)
        self._write()
        self.environ = {"LD_PRELOAD": str(shim), "TORTURE_CLOCK": str(face)}

    def now(self) -> datetime:
        """What it shows, as the service sees it."""
        if not self.moves:
            return datetime.now(UTC)
        return _EPOCH + timedelta(microseconds=self._now_ns() // 1000)

    def run_at(self, rate: float) -> None:
        """From now on `rate` seconds pass in a second."""
        self._wall, self._since, self.rate = self._now_ns(), time.monotonic_ns(), rate if self.moves else 1.0
        self._write()

    def jump(self, by: timedelta) -> None:
        """Set it forward, or back."""
        self._wall += by // timedelta(microseconds=1) * 1000
        self._write()

    def _now_ns(self) -> int:
        return self._wall + int((time.monotonic_ns() - self._since) * self.rate)

    def _write(self) -> None:
        if self._face is None:
            return
        self._turn += 2
        face = _FACE.pack(self._turn - 1, self._since, self._wall, self.rate)
        self._face[:8] = face[:8]
        self._face[8:] = face[8:]
        self._face[:8] = struct.pack("=Q", self._turn)
