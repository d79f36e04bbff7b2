"""The whole path from the terminal: deploy, run, read, refuse; on a real service with a real sandbox."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hexasched.cli.instance import Instance, prepare
from hexasched.cli.serving import announce
from hexasched.config import Config
from hexasched.store import accounts
from tests.busy import held
from tests.factories import NOW
from tests.processes.service import Service, running
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("terminal"), WORKERS_WARM_MB="30") as started:
        started.create_owner()
        yield started


def test_it_deploys_and_runs(service: Service, tmp_path: Path) -> None:
    source = "export default async (event) => { console.log('out'); console.error('err'); return event.payload; };"
    service.deploy("hello", source, tmp_path)
    run = service.run("hello", {"a": [1, "ü"]})
    assert (run["status"], run["reason"], run["result"]) == ("succeeded", "ok", {"a": [1, "ü"]})
    assert (run["stdout"], run["stderr"], run["version"]) == ("out\n", "err\n", 1)
    shown = json.loads(service.cli("run", "show", str(run["id"]), "--json").stdout)
    assert shown == run
    listed = json.loads(service.cli("run", "list", "--function", "hello", "--json").stdout)
    assert [row["id"] for row in listed] == [run["id"]]


def test_what_is_wrong_with_the_memory_for_waiting_processes_is_told_and_runs_go_on(service: Service) -> None:
    said = "workers.warm_mb is 30, and a process that waits takes 48 MB: none waits, every run starts cold."
    assert said in service.log() and said in service.cli("doctor", check=False).stdout


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("index.cjs", "exports.handler = async (event) => require('node:path').basename('/a/b');"),
        ("index.js", "module.exports = (event) => 'b';"),
        ("index.js", "export const handler = async () => 'b';"),
        ("index.ts", "type A = { b: string };\nexport default async (): Promise<string> => ({ b: 'b' } as A).b;"),
    ],
    ids=["cjs", "js-commonjs", "js-esm", "ts"],
)
def test_it_takes_every_kind_of_module(service: Service, tmp_path: Path, file: str, source: str) -> None:
    service.deploy("kinds", source, tmp_path, file=file)
    assert service.run("kinds")["result"] == "b"


def test_it_runs_on_node_18_and_says_why_typescript_does_not(service: Service, tmp_path: Path) -> None:
    source = "export default async () => process.version;"
    service.deploy("old", source, tmp_path, "--runtime", "node18", file="index.js")
    assert service.run("old")["result"] == "v18.4.0"
    (tmp_path / "index.ts").write_text("export default async (): Promise<number> => 1;")
    arguments = ("function", "deploy", "old", "--file", str(tmp_path / "index.ts"), "--runtime", "node18")
    refused = service.cli(*arguments, check=False)
    assert refused.returncode == 1
    assert "TypeScript" in refused.stderr


def test_it_exits_1_for_a_failed_run_and_names_the_line(service: Service, tmp_path: Path) -> None:
    service.deploy("broken", "export default async () => {\n  throw new Error('no luck');\n};", tmp_path)
    done = service.cli("function", "run", "broken", "--wait", "--json", check=False)
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert (error["type"], error["message"], error["file"], error["line"]) == ("Error", "no luck", "index.mjs", 2)
    assert error["source_line"].strip() == "throw new Error('no luck');"


def test_it_keeps_the_old_version_when_a_deploy_fails(service: Service, tmp_path: Path) -> None:
    service.deploy("marker", "export default async () => 'old';", tmp_path)
    (tmp_path / "index.mjs").write_text("export default async () => {\n  const x = ;\n};")
    failed = service.cli("function", "deploy", "marker", "--file", str(tmp_path / "index.mjs"), check=False)
    assert failed.returncode == 1
    assert "index.mjs:2:13" in failed.stderr
    assert "const x = ;" in failed.stderr
    assert service.run("marker")["result"] == "old"


def test_it_names_the_variable_that_is_not_set(service: Service, tmp_path: Path) -> None:
    source = "export default async () => {\n  if (!process.env.API_KEY) throw new Error('no key');\n  return 'ok';\n};"
    service.deploy("needs-key", source, tmp_path)
    run = service.run("needs-key", check=False)
    assert (run["status"], run["reason"], run["env_missing"]) == ("failed", "env_missing", ["API_KEY"])
    assert "API_KEY" in run["explanation"]
    service.deploy("needs-key", source, tmp_path, "--env", "API_KEY=x=y")
    assert service.run("needs-key")["status"] == "succeeded"


def test_it_takes_secrets_from_standard_input(service: Service, tmp_path: Path) -> None:
    (tmp_path / "index.mjs").write_text("export default () => [[...process.env.API_KEY], process.env.GREETING];")
    arguments = ("function", "deploy", "greets", "--file", str(tmp_path / "index.mjs"), "--env-file", "-")
    refused = service.cli(*arguments, stdin="# mine\nAPI_KEY=x\nhunter2\n", check=False)
    assert refused.returncode == 1
    assert "Line 3 of --env-file is not NAME=VALUE." in refused.stderr and "hunter2" not in refused.stderr
    service.cli(*arguments, "--env", "GREETING=hi", stdin="export API_KEY='s # t'  # secret\nGREETING=no\n")
    assert service.run("greets")["result"] == [["s", " ", "#", " ", "t"], "hi"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("Bad Name", "--file", "FILE"), "name: A name has small letters"),
        (("x", "--file", "FILE", "--env", "PATH=1"), "PATH is set by HexaSched"),
        (("x", "--file", "FILE", "--env", "LD_PRELOAD=1"), "LD_PRELOAD is set by HexaSched"),
        (("x", "--file", "FILE", "--timeout", "99999"), "timeout: Write a whole number of seconds from 1 to 900"),
        (("x", "--file", "FILE", "--memory", "5"), "memory: Write a whole number of MB from 96 to 2048"),
        (("x", "--file", "FILE", "--runtime", "node7"), "No worker has the runtime 'node7'"),
    ],
    ids=str,
)
def test_it_refuses_what_it_can_not_take(
    service: Service, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "index.mjs").write_text("export default () => 1;")
    given = [str(tmp_path / "index.mjs") if word == "FILE" else word for word in arguments]
    done = service.cli("function", "deploy", *given, check=False)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("event", ["{", '{"a":NaN}', "[" * 300 + "]" * 300, '"' + "x" * 300_000 + '"'], ids=len)
def test_it_refuses_a_bad_event(service: Service, event: str) -> None:
    # A single argument can't be longer than 128 KiB on Linux: the largest goes through the same check elsewhere.
    done = service.cli("function", "run", "hello", "--event", event[:100_000], check=False)
    assert done.returncode == 1
    assert "The event" in done.stderr


def test_it_previews_like_the_scheduler(service: Service) -> None:
    arguments = ("--timezone", "Europe/Berlin", "--after", "2026-11-23T09:00:00+01:00", "--count", "2", "--json")
    good = json.loads(service.cli("cronjob", "preview", "0 9 * * *", *arguments).stdout)
    assert good["next"] == ["2026-11-24T09:00:00+01:00", "2026-11-25T09:00:00+01:00"]
    bad = service.cli("cronjob", "preview", "0 25 * * *", *arguments, check=False)
    assert bad.returncode == 2
    assert [(m["field"], m["written"]) for m in json.loads(bad.stdout)] == [("hour", "25")]


def test_the_processes_of_a_service_share_memory(service: Service) -> None:
    for name in ("scheduler", "notifier", "worker"):
        (pid,) = service.pids(name)
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        sizes = {line.split()[0]: int(line.split()[1]) for line in rollup.splitlines()[1:]}
        # Memory without a file behind it: libraries are shared by any two programs.
        assert sizes["Private_Dirty:"] < 0.7 * sizes["Anonymous:"], (name, sizes)


def test_the_supervisor_has_no_connection_that_a_new_child_could_inherit(service: Service) -> None:
    assert service.process is not None
    files = Path(f"/proc/{service.process.pid}/fd")
    wait_until(lambda: "Setup code" in service.log(), deadline_s=10, what="the announcement, which asks the database")

    def databases() -> list[Path]:
        return [file.readlink() for file in files.iterdir() if ".db" in file.readlink().name]

    wait_until(lambda: not databases(), deadline_s=10, what="a supervisor without an open database")


def test_it_replaces_a_dead_worker_and_the_next_run_succeeds(service: Service, tmp_path: Path) -> None:
    service.deploy("hello", "export default async () => 'hello';", tmp_path)
    (victim,) = service.pids("worker")
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: service.pids("worker") not in ([], [victim]), deadline_s=10, what="a new worker process")
    assert service.run("hello")["result"] == "hello"


def test_it_settles_the_run_of_a_killed_worker_without_waiting_for_a_lease(service: Service, tmp_path: Path) -> None:
    source = "export default async () => { console.log('up'); await new Promise((r) => setTimeout(r, 60000)); };"
    service.deploy("long", source, tmp_path)
    run_id = service.cli("function", "run", "long", "--json").stdout
    number = json.loads(run_id)["id"]

    def shown() -> dict[str, object]:
        found: dict[str, object] = json.loads(service.cli("run", "show", str(number), "--json").stdout)
        return found

    wait_until(lambda: shown()["stdout"] == "up\n", deadline_s=30, what="the live log")
    os.kill(service.pids("worker")[0], signal.SIGKILL)
    wait_until(lambda: shown()["status"] == "lost", deadline_s=25, what="the lost run")
    assert (shown()["reason"], shown()["stdout"]) == ("worker_gone", "up\n")


def test_it_refuses_a_port_that_is_taken_in_one_line(service: Service, tmp_path: Path) -> None:
    second = Service(tmp_path)
    second.env["HEXASCHED_PORT"] = str(service.port)
    done = second.cli("serve", check=False)
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line][-1].startswith(f"hexasched: Port {service.port} on")


def test_it_refuses_a_database_that_is_newer_than_the_program(tmp_path: Path) -> None:
    second = Service(tmp_path)
    second.cli("migrate")
    with second.open_database() as database, database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    done = second.cli("serve", check=False)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("hexasched: The database was written by a newer HexaSched")


def test_it_refuses_a_database_that_it_can_not_write(tmp_path: Path) -> None:
    second = Service(tmp_path)
    second.cli("migrate")
    for file in second.data_dir.glob("hexasched.db*"):
        file.chmod(0o400)
    done = second.cli("serve", check=False)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("hexasched: The database ")
    assert "Traceback" not in done.stderr


def test_it_is_ready_also_while_the_database_is_busy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    instance = Instance(Config(data_dir=tmp_path), None)
    prepare(instance)
    with instance.database as database:
        with held(database):
            announce(instance, None)
            assert "hexasched setup-code" in capsys.readouterr().out
        announce(instance, None)
        assert "Setup code: " in capsys.readouterr().out
        with database.writing() as connection:
            owner = {"email": "owner@example.org", "password_hash": "", "workspace": "Team", "timezone": "UTC"}
            assert accounts.create_first_account(connection, **owner, now=NOW)
        with held(database):
            announce(instance, None)
            assert "etup" not in capsys.readouterr().out


def test_it_reports_all_mistakes_of_the_configuration(tmp_path: Path) -> None:
    second = Service(tmp_path)
    (tmp_path / "config.toml").write_text('host = 3\n[mail]\nsecurity = "ssl"\n')
    done = second.cli("--config", str(tmp_path / "config.toml"), "migrate", check=False)
    assert done.returncode == 1
    assert [line.split()[1] for line in done.stderr.splitlines()] == ["host", "mail.security"]


def test_it_lets_only_one_scheduler_run_on_sqlite(service: Service) -> None:
    done = service.cli("scheduler", check=False)
    assert done.returncode == 1
    assert "Another scheduler is running" in done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("process", ["web", "scheduler", "worker", "notifier"])
def test_it_says_when_the_database_was_never_made(tmp_path: Path, process: str) -> None:
    done = Service(tmp_path).cli(process, check=False)
    assert done.returncode == 1
    assert "Run `hexasched migrate`" in done.stderr.strip().splitlines()[-1]
