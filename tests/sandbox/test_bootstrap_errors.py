"""Errors that name the cause: what was thrown, where, and what a person can do about it."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.bare_node import NODE24, Ended, on_both, run, run_function, run_source


def place(ended: Ended) -> tuple[Any, ...]:
    return tuple(ended.error[key] for key in ("file", "line", "column", "source_line"))


@on_both
def test_it_shows_type_place_and_a_clean_stack(node: Path, tmp_path: Path) -> None:
    ended = run_function("throws.mjs", tmp_path, node=node)
    assert (ended.reason, ended.error["type"], ended.exit_code) == ("error", "RangeError", 0)
    assert place(ended) == ("index.mjs", 2, 9, "  throw new RangeError('quota is used up');")
    assert ended.error["stack"].splitlines()[:2] == [
        "RangeError: quota is used up",
        "    at send (index.mjs:2:9)",
    ]
    assert "node:" not in ended.error["stack"]
    assert ".cjs" not in ended.error["stack"]


@on_both
def test_it_appends_at_most_five_causes(node: Path, tmp_path: Path) -> None:
    ended = run_function("throws_causes.mjs", tmp_path, node=node)
    assert ended.error["message"].splitlines() == [
        "level 0",
        *(f"Caused by: Error: level {level}" for level in range(1, 6)),
    ]
    assert ended.error["stack"].count("Caused by: ") == 5


@on_both
@pytest.mark.parametrize(
    ("name", "place_of"),
    [
        ("syntax_error.mjs", ("index.mjs", 2, 14, "const body = = 'none';")),
        ("syntax_error.cjs", ("index.cjs", 2, 14, "const body = = 'none';")),
        ("missing_export.mjs", ("index.mjs", 1, 10, "import { sepp } from 'node:path';")),
        ("import_statement.cjs", ("index.cjs", 1, 1, "import { sep } from 'node:path';")),
    ],
)
def test_it_points_at_a_syntax_error(name: str, place_of: tuple[Any, ...], node: Path, tmp_path: Path) -> None:
    ended = run_function(name, tmp_path, node=node, mode="load")
    assert (ended.reason, ended.error["type"]) == ("load", "SyntaxError")
    assert place(ended) == place_of


@pytest.mark.parametrize(
    ("name", "place_of", "hint"),
    [
        ("syntax_error.ts", ("index.ts", 2, 15, "  const size: = 2;"), None),
        ("enum.ts", ("index.ts", 2, 1, "enum Color { Red }"), "`enum` needs compiling"),
    ],
)
def test_it_points_at_a_typescript_mistake(
    name: str, place_of: tuple[Any, ...], hint: str | None, tmp_path: Path
) -> None:
    ended = run_function(name, tmp_path, mode="load")
    assert ended.reason == "load"
    assert place(ended) == place_of
    assert (ended.error["hint"] or "").startswith(hint or "")


@on_both
@pytest.mark.parametrize(
    ("name", "package", "line"),
    [("missing_package.mjs", "nodemailer", 2), ("missing_package.cjs", "@acme/stripe", 2)],
)
def test_it_names_a_missing_package(name: str, package: str, line: int, node: Path, tmp_path: Path) -> None:
    ended = run_function(name, tmp_path, node=node, mode="load")
    assert ended.error["message"] == f"The package “{package}” is not installed."
    assert (ended.error["file"], ended.error["line"]) == ("index" + Path(name).suffix, line)
    assert package in ended.error["source_line"]
    assert ended.error["hint"] == f"Add {package} to the function's packages and deploy again."
    assert "Require stack" not in ended.error["stack"]


@on_both
def test_it_names_a_missing_file(node: Path, tmp_path: Path) -> None:
    ended = run_function("missing_file.mjs", tmp_path, node=node, mode="load")
    assert ended.error["message"] == "The file util.mjs does not exist."
    assert place(ended)[:2] == ("index.mjs", 1)


@on_both
def test_it_names_a_package_that_lacks_one_itself(node: Path, tmp_path: Path) -> None:
    package = tmp_path / "node_modules" / "outer"
    package.mkdir(parents=True)
    (package / "index.js").write_text("'use strict';\nmodule.exports = require('inner');\n")
    (tmp_path / "index.cjs").write_text("exports.handler = require('outer');\n")
    ended = run(tmp_path, "index.cjs", node=node, mode="load")
    assert ended.error["message"] == "The package “inner” is not installed."
    assert "does not list it" in ended.error["hint"]


@on_both
def test_it_reports_what_a_file_throws_while_loading(node: Path, tmp_path: Path) -> None:
    ended = run_function("throws_at_load.mjs", tmp_path, node=node)
    assert (ended.reason, ended.error["message"], ended.error["line"]) == ("load", "no configuration", 1)


@on_both
def test_it_reports_an_uncaught_exception(node: Path, tmp_path: Path) -> None:
    ended = run_function("uncaught.mjs", tmp_path, node=node)
    assert (ended.reason, ended.error["type"], ended.error["line"]) == ("error", "TypeError", 4)


@on_both
def test_it_leaves_rejections_to_a_listener_of_the_code(node: Path, tmp_path: Path) -> None:
    ended = run_function("own_rejection_listener.mjs", tmp_path, node=node)
    assert (ended.result, ended.stdout) == ("done", "own listener: expected\n")


@on_both
@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("throws_text.mjs", "string", "The code threw 'mail not sent', which is not an Error."),
        ("throws_nothing.mjs", "undefined", "The code threw undefined, which is not an Error."),
        ("throws_object.mjs", "object", "The code threw { status: 502, body: 'xxx"),
    ],
)
def test_it_describes_what_is_not_an_error(name: str, kind: str, message: str, node: Path, tmp_path: Path) -> None:
    ended = run_function(name, tmp_path, node=node)
    assert ended.error["type"] == kind
    assert ended.error["message"].startswith(message)
    assert len(ended.error["message"]) < 1200


@on_both
@pytest.mark.parametrize("name", ["throws_hostile_getters.mjs", "throws_hostile_proxy.mjs", "prepare_stack_trace.mjs"])
def test_it_describes_a_hostile_error(name: str, node: Path, tmp_path: Path) -> None:
    ended = run_function(name, tmp_path, node=node)
    assert (ended.reason, ended.exit_code) == ("error", 0)
    assert ended.error["message"]
    assert ".cjs" not in ended.error["message"]


@on_both
def test_it_bounds_and_cleans_what_is_thrown(node: Path, tmp_path: Path) -> None:
    ended = run_function("throws_huge.mjs", tmp_path, node=node)
    message = ended.error["message"]
    assert message.startswith("begin\ufffd\ufffdää")
    assert message.endswith("…")
    assert len(message.encode()) <= 8 * 1024 + 3
    assert len(ended.error["stack"].encode()) <= 16 * 1024 + 3
    assert place(ended)[:2] == ("index.mjs", 2)


@on_both
def test_it_explains_endless_recursion(node: Path, tmp_path: Path) -> None:
    ended = run_function("endless_recursion.mjs", tmp_path, node=node)
    assert ended.error["type"] == "RangeError"
    assert "calls itself without end" in ended.error["hint"]


@on_both
def test_it_explains_a_refused_connection_to_the_hosts_loopback(node: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    ended = run_function("connects.mjs", tmp_path, node=node, event={"host": "127.0.0.1", "port": port})
    assert ended.error["code"] == "ECONNREFUSED"
    assert "127.0.0.1 is the sandbox itself" in ended.error["hint"]
    assert f"add {port} to the setting sandbox.loopback_ports" in ended.error["hint"]


def test_it_looks_for_the_reason_behind_a_failed_fetch(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    ended = run_function("fetches.mjs", tmp_path, event={"url": f"http://127.0.0.1:{port}/"})
    assert ended.error["message"].splitlines()[0] == "fetch failed"
    assert f"connect ECONNREFUSED 127.0.0.1:{port}" in ended.error["message"]
    assert ended.error["code"] == "ECONNREFUSED"
    assert "sandbox.loopback_ports" in ended.error["hint"]


def test_it_recognises_a_page_where_json_was_expected(tmp_path: Path) -> None:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<!DOCTYPE html><p>Sorry</p>")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        ended = run_function("fetches.mjs", tmp_path, event={"url": f"http://127.0.0.1:{server.server_port}/"})
        thread.join()
    assert "HTML page where JSON was expected" in ended.error["hint"]


@on_both
def test_it_explains_a_program_that_is_not_there(node: Path, tmp_path: Path) -> None:
    ended = run_function("spawns_unknown.mjs", tmp_path, node=node)
    assert "There is no program no-such-program in the sandbox" in ended.error["hint"]


CATALOGUE: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "getaddrinfo ENOTFOUND smtp.x",
        {"code": "ENOTFOUND", "hostname": "smtp.x"},
        "error",
        "DNS does not know the name smtp.x",
    ),
    ("getaddrinfo ENOTFOUND smtp.x", {"code": "EDNS"}, "error", "DNS does not know the name smtp.x"),
    ("getaddrinfo EAI_AGAIN smtp.x", {"code": "EAI_AGAIN"}, "error", "No DNS server answered"),
    (
        "connect ECONNREFUSED 10.0.0.5:25",
        {"code": "ESOCKET", "address": "10.0.0.5", "port": 25},
        "error",
        "Nothing accepts connections at 10.0.0.5:25",
    ),
    ("Connection timeout", {"code": "ETIMEDOUT"}, "error", "No answer from the server in time"),
    ("socket hang up", {"code": "ECONNRESET"}, "error", "The other side closed"),
    (
        "connect ENETUNREACH 10.0.0.5:25",
        {"code": "ENETUNREACH", "address": "10.0.0.5", "port": 25},
        "error",
        "no way from the sandbox to 10.0.0.5:25",
    ),
    ("self-signed certificate", {"code": "ESOCKET"}, "error", "not signed by an authority"),
    ("certificate has expired", {"code": "CERT_HAS_EXPIRED"}, "error", "has expired"),
    ("SSL routines:x:wrong version number:", {"code": "ESOCKET"}, "error", "One side speaks TLS"),
    ('Missing credentials for "PLAIN"', {"code": "EAUTH"}, "error", "No user or password was given"),
    ("Invalid login: 535", {"code": "EAUTH"}, "error", "refused the user or the password"),
    ("No recipients defined", {"code": "EENVELOPE"}, "error", "refused the sender or a recipient"),
    ("password authentication failed", {"code": "28P01"}, "error", "The database refused"),
    (
        "spawn /bin/ls EPERM",
        {"code": "EPERM", "syscall": "spawn /bin/ls"},
        "denied",
        "does not let this function start other programs",
    ),
    (
        "EROFS: read-only file system, open '/code/x'",
        {"code": "EROFS", "syscall": "open"},
        "denied",
        "folder is read-only",
    ),
    ("EACCES: permission denied, open '/x'", {"code": "EACCES", "syscall": "open"}, "denied", "does not allow this"),
    ("ENOSPC: no space left on device, write", {"code": "ENOSPC"}, "error", "scratch space"),
    ("EMFILE: too many open files", {"code": "EMFILE"}, "error", "Too many files"),
    ("Array buffer allocation failed", {}, "memory", "Memory in MB"),
    ("require() of ES Module x not supported", {"code": "ERR_REQUIRE_ESM"}, "error", "await import"),
    ("callback is not a function", {}, "error", "There is no callback"),
    ("Received undefined", {"code": "ERR_INVALID_ARG_TYPE"}, "error", "A variable that is not set"),
]


@pytest.mark.parametrize(("message", "fields", "reason", "hint"), CATALOGUE, ids=[row[0] for row in CATALOGUE])
def test_it_says_what_to_do(message: str, fields: dict[str, Any], reason: str, hint: str, tmp_path: Path) -> None:
    ended = run_function("throws_code.mjs", tmp_path, event={"message": message, "fields": fields})
    assert ended.reason == reason
    assert hint in ended.error["hint"]


def test_it_shortens_paths_of_the_function_but_not_addresses(tmp_path: Path) -> None:
    message = f"cannot read {tmp_path}/data.csv, see https://example.com{tmp_path}/data.csv"
    ended = run_function("throws_code.mjs", tmp_path, event={"message": message, "fields": {}})
    assert ended.error["message"] == f"cannot read data.csv, see https://example.com{tmp_path}/data.csv"


def test_it_shows_a_place_in_a_folder_with_odd_characters(tmp_path: Path) -> None:
    folder = tmp_path / "a b (ä) 100%"
    folder.mkdir()
    (folder / "in dex.mjs").write_text("export default () => {\n  throw new Error('x');\n};\n")
    ended = run(folder, "in dex.mjs", node=NODE24)
    assert ended.error["message"] == "x"
    assert json.dumps(ended.error["stack"]).count("100%") == 0


@on_both
@pytest.mark.parametrize(
    ("thrown", "retryable"),
    [
        ("Object.assign(new Error('closed'), { retryable: false })", False),
        ("{ retryable: false }", False),
        ("Object.assign(new Error('busy'), { retryable: true })", True),
        ("Object.assign(new Error('no'), { retryable: 0 })", True),
        ("new (class extends Error { get retryable() { return false; } })('inherited')", True),
        ("Object.defineProperty(new Error('asked'), 'retryable', { get() { return false; } })", True),
        ("new Proxy({}, { getOwnPropertyDescriptor() { throw new Error('hostile'); } })", True),
        ("'a text'", True),
        ("null", True),
    ],
)
def test_it_tells_whether_the_error_forbids_another_attempt(
    thrown: str, retryable: bool, node: Path, tmp_path: Path
) -> None:
    source = f"export default async () => {{ throw {thrown}; }};"
    ended = run_source(source, tmp_path, node=node)
    assert ended.frame is not None
    assert (ended.reason, ended.frame["retryable"]) == ("error", retryable)


def test_code_that_replaces_what_objects_can_do_is_still_read_right(tmp_path: Path) -> None:
    source = """export default async () => {
        Object.getOwnPropertyDescriptor = () => ({ value: true });
        Reflect.getOwnPropertyDescriptor = () => ({ value: true });
        throw Object.assign(new Error('closed'), { retryable: false });
    };"""
    ended = run_source(source, tmp_path)
    assert ended.frame is not None
    assert ended.frame["retryable"] is False
