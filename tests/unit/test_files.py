"""A version's files on the disk: whole or not there, the same bytes for the same packages, no way out."""

import io
import json
import sys
from pathlib import Path

import pytest

from tests.factories import make_program
from workers.files import pack_modules, read_lockfile, unpack_modules, version_folder, write_program

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
