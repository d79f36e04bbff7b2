"""The analyser reads a source without running it: mistakes, imports, variables, the handler."""

import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.bare_node import BOOTSTRAP, NODE18, NODE24, on_both, run, run_function, run_source

ACORN = BOOTSTRAP.with_name("acorn.cjs")


@pytest.fixture(scope="module", autouse=True)
def acorn(tmp_path_factory: pytest.TempPathFactory) -> None:
    """acorn.cjs beside the analyser: what the build puts there, fetched from npm if the build has not run."""
    if ACORN.exists():
        return
    folder = tmp_path_factory.mktemp("acorn")
    npm = NODE24.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    subprocess.run([NODE24, npm, "pack", "acorn@8"], cwd=folder, check=True, capture_output=True)
    with tarfile.open(next(folder.glob("acorn-*.tgz"))) as package:
        member = package.extractfile("package/dist/acorn.js")
        assert member is not None
        ACORN.write_bytes(member.read())


def analyse(name: str, folder: Path, node: Path = NODE24) -> dict[str, Any]:
    ended = run_function(name, folder, node=node, mode="analyse")
    assert ended.stderr == ""
    found: dict[str, Any] = ended.result
    return found


def analyse_source(source: str, folder: Path, handler: str = "index.mjs", node: Path = NODE24) -> dict[str, Any]:
    found: dict[str, Any] = run_source(source, folder, handler, node=node, mode="analyse").result
    return found


@on_both
def test_it_lists_imports(node: Path, tmp_path: Path) -> None:
    found = analyse("analysed.mjs", tmp_path, node)
    keys = ("specifier", "package", "builtin", "relative", "line")
    rows = [tuple(one[key] for key in keys) for one in found["imports"]]
    assert rows == [
        ("nodemailer", "nodemailer", False, False, 1),
        ("fs/promises", None, True, False, 2),
        ("@acme/client/lib/index.js", "@acme/client", False, False, 3),
        ("node:process", None, True, False, 4),
        ("./helper.mjs", None, False, True, 5),
        ("left-pad", "left-pad", False, False, 23),
    ]
    assert (found["module"], found["handler"], found["typescript"]) == ("esm", "default", False)


@on_both
def test_it_lists_what_commonjs_requires(node: Path, tmp_path: Path) -> None:
    found = analyse("analysed.cjs", tmp_path, node)
    assert [one["specifier"] for one in found["imports"]] == [
        "left-pad",
        "node:path",
        "./local.cjs",
        "@acme/data/file.json",
    ]
    assert (found["module"], found["handler"]) == ("commonjs", "handler")
    assert found["env"] == [{"name": "PLUGIN", "line": 4, "optional": False}]


@on_both
def test_it_tells_needed_variables_from_those_with_a_fallback(node: Path, tmp_path: Path) -> None:
    found = analyse("analysed.mjs", tmp_path, node)["env"]
    needed = [(one["name"], one["line"]) for one in found if not one["optional"]]
    assert needed == [
        ("SMTP_HOST", 7),
        ("CHECKED", 10),
        ("MODE", 12),
        ("REGION", 16),
        ("API_KEY", 17),
        ("TEMPLATE", 25),
        ("ALIASED", 25),
        ("GLOBAL", 25),
    ]
    assert {one["name"] for one in found if one["optional"]} == {"SMTP_PORT", "DEBUG", *"ABCDEFGHI"}


def test_it_reads_typescript(tmp_path: Path) -> None:
    found = analyse("analysed.ts", tmp_path)
    assert [(one["package"], one["line"]) for one in found["imports"]] == [("nodemailer", 2)]
    assert found["env"] == [{"name": "SMTP_URL", "line": 5, "optional": False}]
    assert (found["module"], found["handler"], found["typescript"]) == ("esm", "handler", True)


@on_both
@pytest.mark.parametrize(
    ("name", "line", "column", "message", "hint"),
    [
        ("syntax_error.mjs", 2, 14, "Unexpected token '='", None),
        ("syntax_error.cjs", 2, 14, "Unexpected token '='", None),
        ("jsx.mjs", 1, 22, "Unexpected token '<'", "JSX is not supported"),
        ("import_statement.cjs", 1, 1, "'import' and 'export' may appear only", "Name it index.mjs"),
    ],
)
def test_it_points_at_a_mistake(
    name: str, line: int, column: int, message: str, hint: str | None, node: Path, tmp_path: Path
) -> None:
    (mistake,) = analyse(name, tmp_path, node)["errors"]
    assert (mistake["file"], mistake["line"], mistake["column"]) == ("index" + Path(name).suffix, line, column)
    assert mistake["source_line"] == (tmp_path / mistake["file"]).read_text().splitlines()[line - 1]
    assert mistake["message"].startswith(message)
    assert (hint or "") in (mistake["hint"] or "")


@pytest.mark.parametrize(("name", "line", "column"), [("syntax_error.ts", 2, 15), ("enum.ts", 2, 1)])
def test_it_points_at_a_typescript_mistake(name: str, line: int, column: int, tmp_path: Path) -> None:
    (mistake,) = analyse(name, tmp_path)["errors"]
    assert (mistake["file"], mistake["line"], mistake["column"]) == ("index.ts", line, column)


def test_it_says_that_node_18_has_no_typescript(tmp_path: Path) -> None:
    (mistake,) = analyse("typed.ts", tmp_path, NODE18)["errors"]
    assert "Node.js 18 does not run" in mistake["message"]
    assert "Node.js 24 runtime" in mistake["hint"]


@on_both
@pytest.mark.parametrize(
    ("source", "package_json", "module"),
    [
        ("import fs from 'fs'; export default () => fs;", None, "esm"),
        ("await 1; export {};", None, "esm"),
        ("const fs = require('fs'); return;", None, "commonjs"),
        ("let x = 1;", {"type": "module"}, "esm"),
        ("let x = 1;", {"type": "commonjs"}, "commonjs"),
        ("import fs from 'fs'; let = = 1;", None, "esm"),
        ("const x = require('fs'); let y = = 1;", None, "commonjs"),
    ],
)
def test_it_tells_modules_from_commonjs(
    source: str, package_json: dict[str, str] | None, module: str, node: Path, tmp_path: Path
) -> None:
    if package_json:
        (tmp_path / "package.json").write_text(json.dumps(package_json))
    assert analyse_source(source, tmp_path, "index.js", node)["module"] == module


@pytest.mark.parametrize(
    ("source", "handler", "found"),
    [
        ("export { run as default }; function run() {}", "index.mjs", "default"),
        ("export function handler() {}", "index.mjs", "handler"),
        ("export const handler = 1, other = 2; export default 3", "index.mjs", "handler"),
        ("export const helper = 1", "index.mjs", None),
        ("exports.handler = () => 1", "index.cjs", "handler"),
        ("module.exports.handler = () => 1", "index.cjs", "handler"),
        ("module.exports = () => 1", "index.cjs", "module"),
        ("exports.default = () => 1", "index.cjs", "default"),
        ("exports.helper = 1", "index.cjs", None),
    ],
)
def test_it_finds_the_handler(source: str, handler: str, found: str | None, tmp_path: Path) -> None:
    assert analyse_source(source, tmp_path, handler)["handler"] == found


@pytest.mark.parametrize("source", ["1" + "+1" * 50_000, "[" * 50_000 + "]" * 50_000, "", "\ufeff\n", "#!/bin/node\n"])
def test_it_bears_odd_sources(source: str, tmp_path: Path) -> None:
    assert analyse_source(source, tmp_path)["errors"] == []


def test_it_bounds_its_lists(tmp_path: Path) -> None:
    source = "\n".join(f"import('p{n}'); process.env.V{n};" for n in range(2000))
    found = analyse_source(source, tmp_path)
    assert (len(found["imports"]), len(found["env"])) == (500, 500)


def test_it_fails_clearly_without_the_file(tmp_path: Path) -> None:
    ended = run(tmp_path, "index.mjs", mode="analyse")
    assert (ended.reason, ended.exit_code) == ("load", 0)
    assert "index.mjs" in ended.error["message"]
