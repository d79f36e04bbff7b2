"""A small disk that only chosen processes see: a tmpfs in a mount namespace of its own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_HOLD = 'mount -t tmpfs -o "size=$1,mode=0755" none "$0" && echo ready && exec cat'


@dataclass(frozen=True)
class SmallDisk:
    """`prefix` before a command lets it see the disk at its place; the test sees the same at `inside`."""

    prefix: tuple[str, ...]
    inside: Path

    def fill(self, but_for: int = 0) -> None:
        """Take all room but for so many bytes."""
        filler = self.inside / "filler"
        with filler.open("ab", buffering=0) as file:
            try:
                while file.write(b"x" * 65536):
                    pass
            except OSError:
                size = filler.stat().st_size
        with filler.open("ab") as file:
            file.truncate(size - but_for)

    def empty(self) -> None:
        """Give the room back."""
        (self.inside / "filler").unlink()


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[SmallDisk]:
    """A disk of `size` (such as "8m") at `folder`, which is made; only for root."""
    folder.mkdir(exist_ok=True)
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _HOLD, str(folder), size]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin is not None and holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        root = Path(f"/proc/{holder.pid}")
        yield SmallDisk(("nsenter", f"--mount={root}/ns/mnt", "--"), root / "root" / folder.relative_to("/"))
        holder.stdin.close()
        assert holder.wait(10) == 0
