"""A version's files on this host: its source, and the packages unpacked from their artifact."""

import gzip
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from hexasched.store.function_versions import Program
from workers import in_use

if sys.version_info >= (3, 12):
    import tarfile
else:  # the filter that extraction needs came to 3.11 only in a late release
    from backports import tarfile


def write_program(folder: Path, program: Program, module_kind: str | None, lockfile: str | None = None) -> None:
    """Put the source, package.json and (if given) package-lock.json into `folder`, which is made.

    `module_kind` is "esm" or "commonjs" (how a file that ends in .js or .ts is to be read), None if not known yet.
    """
    folder.mkdir(parents=True)
    package: dict[str, Any] = {"name": "function", "private": True, "dependencies": program.dependencies}
    if module_kind is not None:
        package["type"] = "module" if module_kind == "esm" else "commonjs"
    (folder / "package.json").write_text(json.dumps(package, indent=2) + "\n")
    (folder / program.handler_file).write_text(program.source)
    if lockfile is not None:
        (folder / "package-lock.json").write_text(lockfile)


def version_folder(root: Path, version_id: int, program: Program, module_kind: str | None) -> Path:
    """The folder of a built version, written at its first use; whole or not there at all."""
    # With its content in its name: after a database was restored, the same id may mean another version.
    content = json.dumps([program.handler_file, program.source, program.dependencies, module_kind])
    folder = root / "versions" / f"{version_id}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
    if not in_use.claim(root, folder):
        with _aside(folder) as work:
            write_program(work, program, module_kind)
            (work / "node_modules").mkdir()
    return folder


def modules_folder(root: Path, artifact_id: str) -> Path:
    """Where the node_modules of an artifact are once they are unpacked."""
    return root / "artifacts" / artifact_id / "node_modules"


def has_modules(root: Path, artifact_id: str) -> bool:
    """Whether the packages of an artifact lie on this host; they then stay for whoever asks."""
    return in_use.claim(root, root / "artifacts" / artifact_id)


def unpack_modules(root: Path, artifact_id: str, pieces: Iterable[bytes]) -> Path:
    """The node_modules of an artifact, unpacked at its first use from `pieces`; whole or not there at all."""
    folder = root / "artifacts" / artifact_id
    if not in_use.claim(root, folder):
        with _aside(folder) as work:
            work.mkdir(parents=True)
            with tarfile.open(fileobj=_Joined(iter(pieces)), mode="r|gz") as archive:
                # The filter refuses links and names that lead out of the folder: packages are strangers' files.
                archive.extractall(work, filter="data")
    return folder / "node_modules"


class _aside:  # noqa: N801 - reads as a function
    """A temporary path that takes the place of `target` when the block succeeded."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def __enter__(self) -> Path:
        self._target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._parent = Path(tempfile.mkdtemp(prefix=".new-", dir=self._target.parent))
        return self._parent / "content"

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                (self._parent / "content").rename(self._target)
        except OSError:
            if not self._target.exists():  # else another worker was first, and its copy is the same
                raise
        finally:
            shutil.rmtree(self._parent, ignore_errors=True)


class _Joined:
    """Pieces of bytes as a file that can only be read forwards."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; empty at the end."""
        while len(self._rest) < size and (piece := next(self._pieces, None)) is not None:
            self._rest += piece
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken


def pack_modules(folder: Path) -> tuple[str, IO[bytes]]:
    """`folder`/node_modules as a packed file (an unlinked temporary one, at its start) and its SHA-256.

    The same packages give the same bytes: names in order, no times, no owners.
    """
    packed = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - the caller closes it
    digest = hashlib.sha256()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0, filename="") as zipped,
        tarfile.open(fileobj=zipped, mode="w|") as archive,
    ):
        archive.add(folder / "node_modules", "node_modules", filter=_plain)
    packed.seek(0)
    while piece := packed.read(1 << 20):
        digest.update(piece)
    packed.seek(0)
    return digest.hexdigest(), packed


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if not (entry.isreg() or entry.isdir() or entry.issym()):
        return None
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    return entry


def read_lockfile(folder: Path) -> str | None:
    """The package-lock.json that the install wrote, None if there is none. Links are not followed.

    Without the addresses that packages were fetched from: they belong to the installation, not to the version.
    """
    try:
        descriptor = os.open(folder / "package-lock.json", os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
        lock = json.loads(file.read(20_000_000))
    for package in lock.get("packages", {}).values():
        package.pop("resolved", None)
    return json.dumps(lock, indent=1)
