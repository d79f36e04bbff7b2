"""The units of systemd: what each must say, and what would break the sandbox or the drain."""

import shlex
from pathlib import Path

import click
import pytest

from hexasched.cli.main import hexasched
from hexasched.config import Config

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
SERVICES = sorted(path.name for path in FOLDER.glob("*.service"))
RUN_SANDBOXES = ["hexasched-worker@.service", "hexasched.service"]
TIGHT = sorted(set(SERVICES) - set(RUN_SANDBOXES))

# Each was seen to keep bubblewrap, pasta or Node.js from starting.
BREAK_SANDBOXES = {
    "ProtectKernelTunables",
    "ProtectKernelLogs",
    "ProtectControlGroups",
    "ProtectHostname",
    "ProcSubset",
    "MemoryDenyWriteExecute",
    "RestrictNamespaces",
    "PrivateDevices",
    "PrivateNetwork",
    "PrivateUsers",
}
# systemd.exec(5): each of them implies NoNewPrivileges for a User, under which the profile that AppArmor has for pasta
# on Debian and Ubuntu can't leave for another program: "execvp: Operation not permitted".
BREAK_PASTA = {
    "NoNewPrivileges",
    "SystemCallFilter",
    "SystemCallArchitectures",
    "SystemCallLog",
    "RestrictAddressFamilies",
    "ProtectKernelModules",
    "ProtectClock",
    "RestrictRealtime",
    "RestrictSUIDSGID",
    "DynamicUser",
    "LockPersonality",
}
HARDENING = dict.fromkeys(BREAK_SANDBOXES - {"PrivateNetwork", "PrivateUsers", "ProcSubset"}, "yes") | {
    "ProcSubset": "pid",
    "ProtectProc": "invisible",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "SystemCallFilter": "@system-service",
    "SystemCallArchitectures": "native",
    "RestrictSUIDSGID": "yes",
    "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6",
}


def directives(unit: str) -> dict[str, list[str]]:
    """The values of each directive of [Service]."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in (FOLDER / unit).read_text().splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("unit", SERVICES)
def test_a_unit_starts_a_command_that_there_is_as_the_service_user(unit: str) -> None:
    told = directives(unit)
    program, command = shlex.split(told["ExecStart"][0])
    assert program == "/opt/hexasched/bin/hexasched"
    assert hexasched.get_command(click.Context(hexasched), command) is not None
    assert told["User"] == ["hexasched"]
    assert told["StateDirectory"] == ["hexasched"]
    assert told["Environment"] == ["HEXASCHED_DATA_DIR=/var/lib/hexasched"]
    assert (told["UMask"], told["LimitCORE"]) == (["0077"], ["0"])


@pytest.mark.parametrize("unit", RUN_SANDBOXES)
def test_a_unit_that_runs_sandboxes_has_nothing_that_breaks_them(unit: str) -> None:
    told = directives(unit)
    assert not (BREAK_SANDBOXES | BREAK_PASTA) & set(told)
    assert (told["CapabilityBoundingSet"], told["ProtectSystem"]) == ([""], ["strict"])
    assert told["DeviceAllow"] == ["/dev/net/tun rw"]
    assert told["Delegate"] == ["cpu memory pids"]
    assert told["OOMPolicy"] == ["continue"]


@pytest.mark.parametrize(("unit", "rest_s"), [("hexasched-worker@.service", 20), ("hexasched.service", 70)])
def test_a_drain_has_time_and_the_running_functions_get_no_signal(unit: str, rest_s: int) -> None:
    told = directives(unit)
    assert told["KillMode"] == ["mixed"]
    assert int(told["TimeoutStopSec"][0]) > Config.drain_timeout_s + rest_s


@pytest.mark.parametrize("unit", TIGHT)
def test_a_unit_without_sandboxes_takes_all_hardening(unit: str) -> None:
    told = directives(unit)
    assert {name: told[name][0] for name in HARDENING} == HARDENING


@pytest.mark.parametrize("unit", sorted(set(SERVICES) - {"hexasched-migrate.service"}))
def test_a_unit_is_told_when_it_is_ready_and_is_started_again(unit: str) -> None:
    told = directives(unit)
    assert (told["Type"], told["Restart"]) == (["notify"], ["always"])
