"""The browser's files: how they are locked, built and served."""

import json
import re
import shutil
from pathlib import Path

from tests.web.browser import Browser
from tools import build_assets

ROOT = Path(__file__).parents[2]
ASSETS = ROOT / "web" / "assets"


def test_the_lockfile_names_no_host_and_checks_every_package() -> None:
    text = (ASSETS / "package-lock.json").read_text()
    assert "resolved" not in text
    packages = {name: entry for name, entry in json.loads(text)["packages"].items() if name}
    assert len(packages) > 20
    assert [name for name, entry in packages.items() if not re.match("sha512-", entry.get("integrity", ""))] == []


def test_every_package_is_wanted_in_one_exact_version() -> None:
    wanted = json.loads((ASSETS / "package.json").read_text())["dependencies"]
    assert "codemirror" not in wanted  # that name is CodeMirror 5 under a newer number
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert wanted["htmx.org"].startswith("4.0.")


def test_it_builds_the_same_files_from_a_fresh_copy_and_only_when_needed(tmp_path: Path) -> None:
    shutil.copytree(ASSETS, tmp_path / "web/assets", ignore=shutil.ignore_patterns("node_modules"))
    assert build_assets.build(tmp_path)
    built = {file.name: file.read_bytes() for file in (tmp_path / "web/static/dist").iterdir()}
    assert built == {file.name: file.read_bytes() for file in (ROOT / "web/static/dist").iterdir()}
    assert b"parse" in (tmp_path / "sandbox/node/acorn.cjs").read_bytes()
    assert not build_assets.build(tmp_path)
    (tmp_path / "sandbox/node/acorn.cjs").unlink()
    assert build_assets.build(tmp_path)


def test_it_notices_every_change_of_a_source(tmp_path: Path) -> None:
    shutil.copytree(ASSETS, tmp_path / "web/assets", ignore=shutil.ignore_patterns("node_modules"))
    before = build_assets.fingerprint(tmp_path)
    (tmp_path / "web/assets/src/app.css").write_text("/* other */")
    changed = build_assets.fingerprint(tmp_path)
    (tmp_path / "web/assets/src/app.css").rename(tmp_path / "web/assets/src/new.css")
    assert len({before, changed, build_assets.fingerprint(tmp_path)}) == 3


def test_it_serves_built_files_compressed_and_for_ever(stranger: Browser) -> None:
    page = stranger.get("/login").text
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert {Path(file).suffix for file in files} == {".css", ".js", ".svg"}
    for file in files:
        sizes = {}
        for accepted, encoding in (("br, gzip", "br"), ("gzip", "gzip"), ("identity", None)):
            answer = stranger.get(file, Accept_Encoding=accepted)
            assert answer.status_code == 200
            assert answer.headers.get("Content-Encoding") == encoding
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert "Accept-Encoding" in answer.headers["Vary"]
            sizes[encoding] = len(answer.data)
        assert sizes["br"] < sizes[None]


def test_it_ships_the_licence_of_everything_that_it_bundles() -> None:
    text = (ROOT / "web/static/dist/third-party.txt").read_text()
    for name in ("htmx.org", "bootstrap", "acorn", "@codemirror/view", "@lezer/javascript"):
        assert re.search(rf"^{re.escape(name)} \d+\.\d+\.\d+ \(", text, re.MULTILINE)
