"""The same with each process in a unit of its own, and the dashboard held tight."""

import re
from pathlib import Path

from tests.vm.inside.functions import deploy
from tests.vm.inside.shell import HEXASCHED, finished_run, runs, sh, until
from tests.vm.inside.story import mails_with, page, says_hello
from tests.vm.inside.tap import check, expect, title
from tests.vm.inside.units import journal, shown, start

UNITS = [f"hexasched-{name}.service" for name in ("web", "scheduler", "notifier", "worker@1")]


def apart() -> None:
    """Leaves the target stopped."""
    title("hexasched.target: web, scheduler, notifier and worker as units of their own")
    check("they start, and hexasched.service is stopped for them", _start)
    check("systemd calls the exposure of web, scheduler and notifier low", _exposure)
    check("the dashboard answers under full hardening", lambda: expect(b"Log in" in page("/login"), ""))
    check("a function is deployed and runs", _deploys)
    check("the CronJob still fires", _fires)
    check("an alert is still mailed", _alerts)
    check("nothing in their logs speaks of a refused system call or a traceback", _logs)
    check("stopping the target stops them all", _stop)


def _start() -> None:
    sh("systemctl", "enable", "hexasched.target", *UNITS)
    start("hexasched.target")
    until("all are active", lambda: all(shown(unit, "ActiveState") == "active" for unit in UNITS), deadline_s=240)
    expect(shown("hexasched.service", "ActiveState") == "inactive", shown("hexasched.service", "ActiveState"))
    catcher = [
        "systemd-run",
        "--unit=mail-catcher",
        "--uid=hexasched",
        "--setenv=HEXASCHED_DATA_DIR=/var/lib/hexasched",
    ]
    sh(*catcher, HEXASCHED, "mail-catcher")


def _exposure() -> str:
    said = []
    for unit in UNITS:
        last = sh("systemd-analyze", "security", "--no-pager", unit).splitlines()[-1]
        level = float(re.search(r": ([\d.]+)", last)[1])  # type: ignore[index] # no match is a failure to be shown
        said.append(f"{unit} {level}")
        expect(level < (7 if "worker" in unit else 2.5), last)
    return "\n".join(said)


def _deploys() -> None:
    deploy("hello")
    says_hello()


def _fires() -> None:
    newest = runs("--limit", "1")[0]["id"]
    until(
        "a later run of the CronJob has succeeded",
        lambda: [r for r in runs("--cronjob", "each-minute") if r["id"] > newest and r["status"] == "succeeded"],
        deadline_s=180,
    )


def _alerts() -> None:
    before = len(mails_with("no orders today"))
    finished_run("fails")
    until("one more alert is in the mailbox", lambda: len(mails_with("no orders today")) > before)


def _logs() -> None:
    said = "\n".join(journal(unit, 300) for unit in UNITS)
    bad = [line for line in said.splitlines() if "Traceback" in line or "Operation not permitted" in line]
    expect(not bad, said[-3000:])


def _stop() -> None:
    sh("systemctl", "stop", "hexasched.target", deadline_s=150)
    until("none is active", lambda: all(shown(unit, "ActiveState") == "inactive" for unit in UNITS))
    sh("systemctl", "stop", "mail-catcher")
    expect(not Path("/sys/fs/cgroup/system.slice/hexasched-web.service").exists(), "its cgroup is still there")
