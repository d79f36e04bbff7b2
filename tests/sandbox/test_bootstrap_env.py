"""process.env: exactly the function's variables, and a record of which were read and which are missing."""

from pathlib import Path

from tests.sandbox.bare_node import Ended, on_both, run, run_function
from tests.sandbox.test_bootstrap import copy

BASE = {"HOME": "/tmp", "LANG": "C.UTF-8", "NODE_ENV": "production", "PATH": "/usr/bin:/bin", "TMPDIR": "/tmp"}


def read_env(node: Path, folder: Path) -> Ended:
    package = folder / "node_modules" / "reader"
    package.mkdir(parents=True)
    (package / "index.js").write_text("exports.read = (name) => process.env[name];\n")
    handler = copy("env_reads.mjs", folder)
    env = {"SET": "1", "EMPTY": "", "SET_FOR_PACKAGE": "2", "UNREAD": "3"}
    return run(folder, handler, node=node, env=env, optional_env=["OPTIONAL"])


@on_both
def test_it_names_what_the_functions_own_code_misses(node: Path, tmp_path: Path) -> None:
    ended = read_env(node, tmp_path)
    assert ended.result == ["1", "", "fallback", None]
    assert ended.frame is not None
    assert ended.frame["env_missing"] == [
        {"name": "DESTRUCTURED", "file": "index.mjs", "line": 5},
        {"name": "IMPORTED", "file": "index.mjs", "line": 6},
        {"name": "MAPPED", "file": "index.mjs", "line": 7},
    ]


@on_both
def test_it_names_all_that_was_read_without_values(node: Path, tmp_path: Path) -> None:
    ended = read_env(node, tmp_path)
    assert ended.frame is not None
    assert set(ended.frame["env_read"]) - {"UNREAD"} == {
        "SET", "EMPTY", "SET_FOR_PACKAGE", "DESTRUCTURED", "OPTIONAL", "IMPORTED", "MAPPED",
    }  # fmt: skip


@on_both
def test_it_behaves_like_the_real_one(node: Path, tmp_path: Path) -> None:
    env = {"GREETING": "hello", "TZ": "Asia/Tokyo"}
    result = run_function("env_behaves.mjs", tmp_path, node=node, env=env).result
    every = {**BASE, **env, "NUMBER": "5"}
    assert result["before"] == sorted({**BASE, **env})
    assert result["number"] == "5"
    assert result["forIn"] == sorted(every)
    assert result["spread"] == result["json"] == result["inWorker"] == every
    assert result["child"] == sorted(f"{name}={value}" for name, value in every.items())
    assert (result["inside"], result["owns"], result["printed"]) == ([True, False], True, True)
    assert (result["hour"], result["symbol"], result["deleted"]) == (9, "TypeError", True)


@on_both
def test_it_bounds_what_it_remembers(node: Path, tmp_path: Path) -> None:
    ended = run_function("env_many_misses.mjs", tmp_path, node=node)
    assert ended.frame is not None
    assert ended.result == "done"
    assert len(ended.frame["env_missing"]) == 256


def test_it_still_names_them_when_the_run_fails(tmp_path: Path) -> None:
    (tmp_path / "index.mjs").write_text("export default () => process.env.SMTP_HOST.trim();\n")
    ended = run(tmp_path, "index.mjs")
    assert ended.frame is not None
    assert ended.reason == "error"
    assert ended.frame["env_missing"] == [{"name": "SMTP_HOST", "file": "index.mjs", "line": 1}]
