"""Installs the wheel and the units as docs/operations/systemd.md says."""

import shutil
from pathlib import Path

from tests.vm.inside.functions import MAIL_PORT
from tests.vm.inside.shell import sh
from tests.vm.inside.tap import check, expect, title

UNITS = Path("/etc/systemd/system")
PAYLOAD = Path("/payload")
CONFIG = f"""\
[mail]
host = "127.0.0.1"
port = {MAIL_PORT}
security = "none"
[sample]
mail_catcher_port = {MAIL_PORT}
[sandbox]
loopback_ports = [{MAIL_PORT}]
"""


def install() -> None:
    """Everything is in place, nothing is started."""
    title("Installed as the manual says")
    check("the machine is Debian 12 with systemd and cgroup v2", _machine)
    check("the program that Debian's Python installed from the wheel starts", _program)
    check("the units are installed, and systemd finds nothing wrong with them", _units)


def _machine() -> str:
    facts = sh("uname", "-r") + sh("systemctl", "--version").splitlines()[0] + "\n"
    expect("cgroup2fs" in sh("stat", "-fc", "%T", "/sys/fs/cgroup"), facts)
    return facts + sh("/usr/bin/python3", "--version") + sh("ip", "-brief", "address")


def _program() -> str:
    Path("/opt/hexasched").mkdir()
    sh("mount", "--bind", str(PAYLOAD / "hexasched"), "/opt/hexasched")
    return sh("/opt/hexasched/bin/hexasched", "--version")


def _units() -> None:
    folder = PAYLOAD / "deploy" / "systemd"
    Path("/etc/sysusers.d").mkdir(exist_ok=True)
    shutil.copy(folder / "hexasched.sysusers.conf", "/etc/sysusers.d/hexasched.conf")
    sh("systemd-sysusers")
    units = [file for pattern in ("*.service", "*.target") for file in folder.glob(pattern)]
    for unit in units:
        shutil.copy(unit, UNITS)
    Path("/etc/hexasched").mkdir()
    sh("install", "-m", "640", "-g", "hexasched", "/dev/stdin", "/etc/hexasched/config.toml", given=CONFIG)
    sh("systemctl", "daemon-reload")
    names = [unit.name.replace("@.", "@1.") for unit in units]
    said = sh("systemd-analyze", "verify", "--man=no", *names)
    expect(not said.strip(), said)
