"""The handler contract and the protocol: what a good or unfinished function gives, on both runtimes."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.sandbox.bare_node import (
    CONTEXT,
    NODE18,
    NONCE,
    control_frame,
    on_both,
    run_function,
    start,
)
from tests.waiting import wait_until


def copy(name: str, folder: Path) -> str:
    handler = "index" + Path(name).suffix
    source = Path(__file__).parent / "functions" / name
    (folder / handler).write_bytes(source.read_bytes())
    return handler


@on_both
def test_it_gives_event_and_context_to_the_handler(node: Path, tmp_path: Path) -> None:
    event = {"id": "e", "payload": {"__proto__": 1, "text": "ä\u0000"}}
    ended = run_function("returns_event.mjs", tmp_path, node=node, event=event, timeout_ms=30_000)
    result = ended.result
    assert result["event"] == {"id": "e", "payload": {"__proto__": 1, "text": "ä\ufffd"}}
    assert set(result["names"]) == {*CONTEXT, "deadline", "getRemainingTimeInMillis", "kv", "once", "signal"}
    assert result["requestId"] == "run-7"
    assert result["aborted"] is False
    assert 29_000 < result["deadlineIn"] <= 30_000
    assert 29_000 < result["remaining"] <= 30_000
    assert ended.exit_code == 0
    assert ended.frame is not None
    assert {key: ended.frame[key] for key in ("nonce", "reason", "error", "warnings", "env_read", "env_missing")} == {
        "nonce": NONCE,
        "reason": "ok",
        "error": None,
        "warnings": [],
        "env_read": [],
        "env_missing": [],
    }


@on_both
@pytest.mark.parametrize(
    "name",
    [
        "exports_handler.cjs",
        "module_exports.cjs",
        "module_exports_object.cjs",
        "export_handler.mjs",
        "export_default.mjs",
    ],
)
def test_it_finds_the_handler_in_every_usual_export(name: str, node: Path, tmp_path: Path) -> None:
    assert run_function(name, tmp_path, node=node).result == "event-1"


@on_both
def test_it_calls_scheduled_as_a_method(node: Path, tmp_path: Path) -> None:
    assert run_function("scheduled.mjs", tmp_path, node=node).result == "id event-1"


@pytest.mark.parametrize("name", ["detected_module.js", "detected_commonjs.js", "typed.ts"])
def test_it_runs_typescript_and_tells_modules_from_commonjs(name: str, tmp_path: Path) -> None:
    assert run_function(name, tmp_path).result == "event-1"


def test_it_says_that_node_18_has_no_typescript(tmp_path: Path) -> None:
    ended = run_function("typed.ts", tmp_path, node=NODE18)
    assert ended.reason == "load"
    assert "index.ts is TypeScript, which Node.js 18 does not run. Choose the Node.js 24" in ended.error["message"]


@on_both
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_handler.mjs", "index.mjs exports no function to call. Write: export default async"),
        ("no_handler.cjs", "index.cjs exports no function to call. Write: exports.handler = async"),
        ("handler_is_text.mjs", "index.mjs exports handler, but it is a string, not a function. Write: export"),
        ("handler_is_class.mjs", "index.mjs exports default, but it is a class, not a function. Write: export"),
    ],
)
@pytest.mark.parametrize("mode", ["run", "load"])
def test_it_says_what_to_write_without_a_handler(
    name: str, message: str, mode: str, node: Path, tmp_path: Path
) -> None:
    ended = run_function(name, tmp_path, node=node, mode=mode)
    assert ended.reason == "load"
    assert ended.error["message"].startswith(message)


@on_both
def test_it_only_loads_in_mode_load(node: Path, tmp_path: Path) -> None:
    ended = run_function("throws.mjs", tmp_path, node=node, mode="load")
    assert ended.frame is not None
    assert (ended.frame["ok"], ended.frame["reason"], ended.frame["result"]) == (True, "ok", None)


@on_both
def test_it_announces_each_write_in_order(node: Path, tmp_path: Path) -> None:
    ended = run_function("prints.mjs", tmp_path, node=node)
    assert ended.records[:-1] == ["R", "O 4", "E 7", "O 5", "E 4", "O 5"]
    assert ended.stdout == "one\nthreefive\n"
    assert ended.stderr == "two ä\nfour"


@on_both
def test_it_loses_no_output_at_exit(node: Path, tmp_path: Path) -> None:
    ended = run_function("prints_much.mjs", tmp_path, node=node)
    assert len(ended.stdout) == 3000 * 1024
    assert ended.records.count("O 1024") == 3000
    assert (ended.reason, ended.exit_code) == ("exit", 1)


@on_both
def test_it_keeps_standard_streams_open(node: Path, tmp_path: Path) -> None:
    ended = run_function("ends_stdout.mjs", tmp_path, node=node)
    assert ended.result == [1, 2, None]
    assert (ended.stdout, ended.stderr) == ("last words\n", "still here\n")


@on_both
def test_it_survives_a_closed_stdout(node: Path, tmp_path: Path) -> None:
    assert run_function("closes_descriptors.mjs", tmp_path, node=node).result == "done"


@on_both
def test_it_hands_no_pipe_of_ours_to_child_processes(node: Path, tmp_path: Path) -> None:
    ended = run_function("child_prints.mjs", tmp_path, node=node)
    assert ended.stdout == "from a child\n"
    assert ended.result["inherited"] == ["0", "1", "2", "3"]  # 3 is ls's own folder
    assert {1, 2, 3, 4} <= set(ended.result["pipes"])


@on_both
def test_it_leaves_quietly_when_it_is_not_needed(node: Path, tmp_path: Path) -> None:
    running = start(tmp_path, node=node)
    wait_until(lambda: running.text("result") == "R\n", deadline_s=10, what="the ready record")
    os.close(running.control_fd)
    ended = running.end()
    assert (ended.frame, ended.exit_code, ended.stderr) == (None, 0, "")


@on_both
def test_it_dies_of_term_while_it_waits_for_work(node: Path, tmp_path: Path) -> None:
    running = start(tmp_path, node=node)
    wait_until(lambda: running.text("result") == "R\n", deadline_s=10, what="the ready record")
    running.terminate()
    assert running.end().exit_code == -signal.SIGTERM
    os.close(running.control_fd)


@on_both
@pytest.mark.parametrize(("name", "result"), [("stops_on_signal.mjs", "AbortError"), ("signal_too_late.mjs", True)])
def test_it_aborts_the_signal_at_term(name: str, result: object, node: Path, tmp_path: Path) -> None:
    running = start(tmp_path, node=node)
    running.send(control_frame(copy(name, tmp_path)))
    wait_until(lambda: "waiting" in running.text("stdout"), deadline_s=10, what="the handler to wait")
    running.terminate()
    assert running.end().result == result


@on_both
@pytest.mark.parametrize(
    ("name", "stage"), [("never_settles.mjs", "The handler"), ("never_loads.mjs", "Loading the file")]
)
def test_it_names_a_promise_that_never_settles(name: str, stage: str, node: Path, tmp_path: Path) -> None:
    ended = run_function(name, tmp_path, node=node)
    assert (ended.reason, ended.exit_code) == ("unsettled", 0)
    assert ended.error["message"].startswith(f"{stage} never ended")


@on_both
def test_it_reports_process_exit_with_its_line(node: Path, tmp_path: Path) -> None:
    ended = run_function("exits.mjs", tmp_path, node=node)
    assert (ended.reason, ended.exit_code) == ("exit", 3)
    assert "process.exit(3) before the handler had ended" in ended.error["message"]
    assert (ended.error["file"], ended.error["line"], ended.error["source_line"]) == (
        "index.mjs",
        2,
        "  process.exit(3);",
    )


@on_both
def test_it_reports_process_exit_while_loading(node: Path, tmp_path: Path) -> None:
    ended = run_function("exits_at_load.cjs", tmp_path, node=node, mode="load")
    assert (ended.reason, ended.exit_code) == ("exit", 0)


@on_both
def test_it_keeps_the_outcome_when_the_code_exits_later(node: Path, tmp_path: Path) -> None:
    ended = run_function("exits_after_return.mjs", tmp_path, node=node)
    assert (ended.result, ended.exit_code) == ("done", 0)
    assert ended.frame is not None
    assert ended.frame["warnings"] == []


@on_both
def test_it_warns_of_an_exit_code_that_means_nothing(node: Path, tmp_path: Path) -> None:
    ended = run_function("sets_exit_code.mjs", tmp_path, node=node)
    assert (ended.result, ended.exit_code) == (None, 0)
    assert ended.frame is not None
    assert "process.exitCode was set" in ended.frame["warnings"][0]


@on_both
def test_it_runs_exit_listeners_before_the_frame(node: Path, tmp_path: Path) -> None:
    ended = run_function("exit_listener.mjs", tmp_path, node=node)
    assert (ended.result, ended.exit_code, ended.stdout) == ("done", 0, "goodbye\n")
    assert ended.records[-2] == "O 8"
    assert run_function("exit_listener_throws.mjs", tmp_path, node=node).result == "done"


@on_both
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("cyclic", "refers to itself"),
        ("bigint", "has a BigInt"),
        ("big", "The result is 301 KB of JSON; at most 256 KB are kept"),
        ("deep", "nested 101 levels deep; at most 100"),
        ("endless", "nested too deeply"),
        ("throwing", "The result cannot become JSON: no total"),
    ],
)
def test_it_says_why_a_result_cannot_be_kept(kind: str, message: str, node: Path, tmp_path: Path) -> None:
    ended = run_function("results.cjs", tmp_path, node=node, event={"kind": kind})
    assert (ended.reason, ended.exit_code) == ("result", 0)
    assert message in ended.error["message"]


def test_it_keeps_results_up_to_the_limits(tmp_path: Path) -> None:
    def result(kind: str) -> object:
        return run_function("results.cjs", tmp_path, event={"kind": kind}).result

    assert result("nothing") is None
    assert result("function") is None
    assert result("largest") == "x" * (256 * 1024 - 2)
    assert json.dumps(result("deepest")).count("[") == 100
    assert result("brackets_in_text") == "[{" * 500 + '\\"'
    assert result("unstorable") == {"a\ufffd": "b\ufffdc", "slash": "\\u0000 \\\\ud800", "good": "😀"}


@on_both
def test_it_honours_a_tojson_that_the_code_added(node: Path, tmp_path: Path) -> None:
    assert run_function("bigint_polyfill.mjs", tmp_path, node=node).result == {"count": "12"}


@on_both
def test_it_runs_every_file_of_ours_without_a_syntax_error(node: Path) -> None:
    folder = Path(__file__).parents[2] / "sandbox" / "node"
    for file in sorted(folder.glob("*.cjs")):
        subprocess.run([node, "--check", file], check=True)
