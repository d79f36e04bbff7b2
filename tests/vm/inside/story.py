"""The story under one unit: deploy, run, schedule, mail, alert, drain."""

import os
import signal
import time
import urllib.request
from pathlib import Path

from tests.vm.inside.functions import MAIL_PORT, deploy
from tests.vm.inside.shell import finished_run, hexasched, runs, sh, until
from tests.vm.inside.tap import check, expect, title
from tests.vm.inside.units import cgroup, command, journal, owner, pids, shown, start

SERVICE = "hexasched.service"
MAILS = Path("/var/lib/hexasched/mails")
PASSWORD = "correct horse battery staple"


def story() -> None:
    """Leaves the service running."""
    title("hexasched.service")
    check("it starts, and systemd is told when it is ready", lambda: start(SERVICE))
    check("all its processes are the user hexasched's, none is root's", _processes)
    check("cpu, memory and pids of its cgroup are its own to give", _delegated)
    check("doctor finds what it needs", lambda: hexasched("doctor"))
    check("the first account is made in the terminal", _account)
    check("the dashboard answers", lambda: expect(b"Log in" in page("/login"), page("/login")[:500]))
    check("a function is deployed", lambda: deploy("hello"))
    check("it runs and returns its result", says_hello)
    check("a function sends a mail through the opened port of the loopback", _mails)
    check("a CronJob fires on its minute, and the history has it", _fires)
    check("a failing run is mailed with its error and its line", _alerts)
    check("systemctl stop lets a running function end, and leaves no process", _drains)
    check("a worker that is killed is replaced, and its run leaves nothing", _killed)


def page(path: str) -> bytes:
    """A page of the dashboard."""
    with urllib.request.urlopen(f"http://127.0.0.1:8080{path}", timeout=60) as answer:
        content: bytes = answer.read()
        return content


def says_hello() -> str:
    """The function hello returns what it was given."""
    run = finished_run("hello", '{"name": "you"}')
    expect((run["status"], run["result"]) == ("succeeded", {"hello": "you"}), run)
    return f"{run['duration_ms']} ms"


def mails_with(text: str) -> list[Path]:
    """The caught mails that have `text` in them."""
    return [mail for mail in MAILS.glob("*.eml") if text in mail.read_text(errors="replace")]


def _processes() -> str:
    found = pids(cgroup(SERVICE))
    expect(len(found) >= 5, found)
    expect({owner(pid) for pid in found} == {"hexasched"}, [(owner(pid), command(pid)) for pid in found])
    return "\n".join(command(pid) for pid in found)


def _delegated() -> str:
    folder = cgroup(SERVICE)
    controllers = set((folder / "cgroup.controllers").read_text().split())
    expect({"cpu", "memory", "pids"} <= controllers, controllers)
    expect(folder.owner() == "hexasched" and shown(SERVICE, "Delegate") == "yes", folder.owner())
    return f"{folder}: {' '.join(sorted(controllers))}"


def _account() -> str:
    return hexasched("user", "create", "--email", "owner@example.org", "--password-stdin", given=f"{PASSWORD}\n")


def _mails() -> None:
    deploy("mails", "--env", f"SMTP_PORT={MAIL_PORT}")
    run = finished_run("mails")
    expect(run["status"] == "succeeded", run)
    expect(len(mails_with("from the sandbox")) == 1, list(MAILS.glob("*")))


def _fires() -> str:
    said = hexasched("cronjob", "create", "each-minute", "--function", "hello", "--schedule", "* * * * *")
    run = until(
        "a run of the CronJob has ended",
        lambda: next((run for run in runs("--cronjob", "each-minute") if run["status"] == "succeeded"), None),
        deadline_s=180,
    )
    return f"{said}scheduled for {run['scheduled_for']}, started {run['started_at']}"


def _alerts() -> str:
    deploy("fails")
    run = finished_run("fails")
    expect((run["status"], run["reason"]) == ("failed", "error"), run)
    (mail,) = until("the alert is in the mailbox", lambda: mails_with("no orders today"))
    text = mail.read_text()
    expect("owner@example.org" in text, text)
    return next(line for line in text.splitlines() if line.startswith("Subject:"))


def _drains() -> None:
    deploy("sleeps")
    run_id = begun("sleeps", '{"ms": 8000}')
    folder = cgroup(SERVICE)
    sh("systemctl", "stop", SERVICE, deadline_s=150)
    expect(not folder.exists() or not pids(folder), [command(pid) for pid in pids(folder)])
    expect(shown(SERVICE, "Result") == "success", journal(SERVICE))
    ended = next(run for run in runs() if run["id"] == run_id)
    start(SERVICE)
    expect(ended["status"] == "succeeded", ended)


def begun(name: str, event: str) -> int:
    """Queue a run of `name` and wait until it runs; its number."""
    hexasched("function", "run", name, "--event", event)
    newest = runs("--function", name)[0]
    number: int = newest["id"]
    until("the run has begun", lambda: next(r for r in runs("--function", name) if r["id"] == number)["started_at"])
    return number


def _killed() -> str:
    run_id = begun("sleeps", '{"ms": 55000}')
    before = pids(cgroup(SERVICE))
    worker = next(pid for pid in before if command(pid).endswith(" worker"))
    sandboxed = [pid for pid in before if "bwrap" in command(pid) or "/opt/node" in command(pid)]
    expect(sandboxed, [command(pid) for pid in before])
    os.kill(worker, signal.SIGKILL)
    began = time.monotonic()
    until("the sandbox is gone", lambda: not [pid for pid in sandboxed if command(pid)], deadline_s=60)
    gone_s = time.monotonic() - began
    ended = until(
        "its run is settled", lambda: next((r for r in runs() if r["id"] == run_id and r["status"] != "running"), None)
    )
    expect((ended["status"], ended["reason"]) == ("lost", "worker_gone"), ended)
    says_hello()
    return f"gone after {gone_s:.1f} s"
