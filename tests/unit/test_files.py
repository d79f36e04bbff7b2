"""A version's files on the disk: whole or not there, the same bytes for the same packages, no way out."""

import contextlib
import fcntl
import io
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.factories import NOW, make_program
from tests.waiting import wait_until
from workers import in_use
from workers.files import has_modules, pack_modules, read_lockfile, unpack_modules, version_folder, write_program

if sys.version_info >= (3, 12):
    import tarfile
else:
    from backports import tarfile


def make_modules(folder: Path) -> None:
    package = folder / "node_modules" / "a"
    package.mkdir(parents=True)
    (package / "index.js").write_text("module.exports = 1;")
    (folder / "node_modules" / ".bin").mkdir()
    (folder / "node_modules" / ".bin" / "a").symlink_to("../a/index.js")


def test_it_packs_the_same_packages_to_the_same_bytes_and_unpacks_them(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_modules(tmp_path / name)
    (artifact, packed), (again, other) = pack_modules(tmp_path / "one"), pack_modules(tmp_path / "two")
    with packed, other:
        assert artifact == again
        data = packed.read()
    pieces = [data[start : start + 7] for start in range(0, len(data), 7)]
    found = unpack_modules(tmp_path / "data", artifact, pieces)
    assert (found / "a" / "index.js").read_text() == "module.exports = 1;"
    assert (found / ".bin" / "a").resolve() == found / "a" / "index.js"
    assert unpack_modules(tmp_path / "data", artifact, []) == found, "it is unpacked once"


@pytest.mark.parametrize("evil", ["../evil", "a/../../evil", "link"])
def test_it_unpacks_nothing_outside_and_leaves_nothing_behind(tmp_path: Path, evil: str) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo(evil)
        if evil == "link":
            entry.type, entry.linkname = tarfile.SYMTYPE, "../../../../etc"
        archive.addfile(entry)
    with pytest.raises(tarfile.FilterError):
        unpack_modules(tmp_path / "data", "sha", [buffer.getvalue()])
    assert list((tmp_path / "data" / "artifacts").iterdir()) == []


def test_it_writes_how_a_js_file_is_to_be_read(tmp_path: Path) -> None:
    folder = version_folder(tmp_path, 7, make_program(), "esm")
    assert json.loads((folder / "package.json").read_text())["type"] == "module"
    assert (folder / "index.js").read_text() == make_program().source
    assert version_folder(tmp_path, 7, make_program(), "esm") == folder
    other = version_folder(tmp_path, 7, make_program(source="other"), "esm")
    assert other != folder, "after a restored backup the same id may be another version"
    assert (other / "index.js").read_text() == "other"


def test_it_keeps_no_addresses_in_the_lockfile_and_follows_no_link(tmp_path: Path) -> None:
    write_program(tmp_path / "f", make_program(), None, lockfile='{"packages": {"a": {"resolved": "https://x/a.tgz"}}}')
    assert read_lockfile(tmp_path / "f") == '{\n "packages": {\n  "a": {}\n }\n}'
    (tmp_path / "f" / "package-lock.json").unlink()
    (tmp_path / "f" / "package-lock.json").symlink_to("/etc/passwd")
    assert read_lockfile(tmp_path / "f") is None


def age(folder: Path, days: float) -> None:
    then = NOW.timestamp() - days * 86400
    os.utime(folder, (then, then))


def test_what_nobody_used_for_a_month_is_removed_and_comes_back(tmp_path: Path) -> None:
    old, young = (version_folder(tmp_path, number, make_program(), "esm") for number in (1, 2))
    make_modules(tmp_path / "made")
    artifact, packed = pack_modules(tmp_path / "made")
    with packed:
        data = packed.read()
    modules = unpack_modules(tmp_path, artifact, [data])
    (tmp_path / "artifacts" / ".new-crashed" / "content").mkdir(parents=True)
    for folder, days in ((old, 31), (young, 29), (modules.parent, 31), (tmp_path / "artifacts" / ".new-crashed", 2)):
        age(folder, days)
    assert in_use.remove_unused(tmp_path, NOW) == 3
    assert [path.name for path in (tmp_path / "versions").iterdir()] == [young.name]
    assert list((tmp_path / "artifacts").iterdir()) == []
    assert not has_modules(tmp_path, artifact)
    assert (unpack_modules(tmp_path, artifact, [data]) / "a" / "index.js").exists()
    assert version_folder(tmp_path, 1, make_program(), "esm").exists()


@contextlib.contextmanager
def somebody_else_holds(root: Path, kind: int) -> Iterator[Callable[[], bool]]:
    """The lock of the folders; the callable tells whether somebody waits for it."""
    with (root / "files.lock").open("a") as file:
        fcntl.flock(file, kind)
        inode = f":{os.fstat(file.fileno()).st_ino} "
        yield lambda: any("->" in line and inode in line for line in Path("/proc/locks").read_text().splitlines())


def test_a_folder_that_is_claimed_while_its_removal_waits_stays(tmp_path: Path) -> None:
    folder = version_folder(tmp_path, 7, make_program(), "esm")
    age(folder, 31)
    removed: list[int] = []
    remover = threading.Thread(target=lambda: removed.append(in_use.remove_unused(tmp_path, NOW)))
    with somebody_else_holds(tmp_path, fcntl.LOCK_SH) as is_waited_for:
        remover.start()
        wait_until(is_waited_for, deadline_s=10, what="the removal to wait for the lock")
        assert in_use.claim(tmp_path, folder), "claims don't wait for each other"
    remover.join()
    assert removed == [0] and (folder / "package.json").exists()


def test_a_claim_waits_for_a_removal_and_then_knows_that_the_folder_is_gone(tmp_path: Path) -> None:
    folder = version_folder(tmp_path, 7, make_program(), "esm")
    claimed: list[bool] = []
    user = threading.Thread(target=lambda: claimed.append(in_use.claim(tmp_path, folder)))
    with somebody_else_holds(tmp_path, fcntl.LOCK_EX) as is_waited_for:
        user.start()
        wait_until(is_waited_for, deadline_s=10, what="the claim to wait for the lock")
        folder.rename(tmp_path / "aside")
    user.join()
    assert claimed == [False]
