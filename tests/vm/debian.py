"""Debian 12 for the virtual machine: its disk, its kernel, and a base image for Docker, made once and kept."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.vm.steps import run, step

SUITE, MIRROR = "bookworm", "http://deb.debian.org/debian"
SANDBOX = ("python3", "python3-venv", "bubblewrap", "passt", "iproute2", "util-linux", "ca-certificates")
MACHINE = (
    *("linux-image-cloud-amd64", "initramfs-tools", "kmod", "systemd", "systemd-sysv", "dbus", "udev", "procps"),
    *("docker.io", "iptables", "apparmor", *SANDBOX),
)
DISK = "6G"
DEADLINE_S = 1800.0

UNIT = """\
[Unit]
Description=The checks inside the virtual machine
RequiresMountsFor=/payload
After=multi-user.target network-online.target
Wants=network-online.target
SuccessAction=poweroff-force
FailureAction=poweroff-force

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -u -m tests.vm.inside
WorkingDirectory=/payload
TimeoutStartSec=infinity
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS1

[Install]
WantedBy=graphical.target
"""
FILES = {
    "etc/hostname": "hexasched-vm\n",
    "etc/fstab": "/dev/vda / ext4 defaults 0 1\nLABEL=payload /payload ext4 ro,nofail 0 2\n",
    "etc/resolv.conf": "nameserver 10.0.2.3\n",
    # By hand, because qemu's restricted network tells of no router; IPv6 it does tell.
    "etc/systemd/network/10-wired.network": "[Match]\nName=en*\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\n",
    "etc/systemd/system/checks.service": UNIT,
}
# Docker comes up when its turn is; nobody logs in; nothing is fetched.
OFF = ("docker.service", "docker.socket", "containerd.service", "apt-daily.timer", "apt-daily-upgrade.timer")


@dataclass(frozen=True, kw_only=True)
class Debian:
    """What the virtual machine starts from."""

    kernel: Path
    initrd: Path
    disk: Path
    docker_base: Path  # a tar of a root folder


def debian(cache: Path) -> Debian:
    """Everything, out of `cache` if it is there; about three minutes if not. What was not finished is made anew."""
    recipe = repr((SUITE, SANDBOX, MACHINE, DISK, FILES, OFF))
    folder = cache / f"debian-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    made = Debian(
        kernel=folder / "vmlinuz", initrd=folder / "initrd", disk=folder / "disk.ext4", docker_base=folder / "base.tar"
    )
    folder.mkdir(parents=True, exist_ok=True)
    if not made.disk.exists():
        _make_disk(folder, made)
    if not made.docker_base.exists():
        _make_docker_base(folder, made)
    return made


def _make_disk(folder: Path, made: Debian) -> None:
    tree = folder / "tree"
    with step("Debian for the machine (debootstrap)"):
        _debootstrap(tree, MACHINE, folder / "debootstrap.log")
    for name, content in FILES.items():
        file = tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_text(content)
    (tree / "payload").mkdir()
    for action, units in (("enable", ("systemd-networkd", "checks.service")), ("disable", OFF)):
        run(["systemctl", f"--root={tree}", action, *units], deadline_s=60, log=folder / "systemctl.log")
    for wanted, place in (("vmlinuz-*", made.kernel), ("initrd.img-*", made.initrd)):
        shutil.copy(next((tree / "boot").glob(wanted)), place)
    with step("its disk"):
        make_disk(tree, made.disk.with_suffix(".part"), "root", DISK)
    shutil.rmtree(tree)
    made.disk.with_suffix(".part").rename(made.disk)


def _make_docker_base(folder: Path, made: Debian) -> None:
    tree = folder / "base"
    with step("Debian for the container (debootstrap)"):
        _debootstrap(tree, SANDBOX, folder / "debootstrap-base.log")
    unfinished = made.docker_base.with_suffix(".part")
    run(["tar", "-C", tree, "-cf", unfinished, "--exclude=./var/cache/apt/*", "."], deadline_s=600)
    shutil.rmtree(tree)
    unfinished.rename(made.docker_base)


def _debootstrap(tree: Path, packages: tuple[str, ...], log: Path) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    command: list[str | Path] = [
        "debootstrap",
        "--variant=minbase",
        f"--include={','.join(packages)}",
        SUITE,
        tree,
        MIRROR,
    ]
    run(command, deadline_s=DEADLINE_S, log=log)


def make_disk(tree: Path, disk: Path, label: str, size: str) -> None:
    """An ext4 file system of `size` (as mke2fs writes it) with the content of `tree`; its owners are kept."""
    disk.unlink(missing_ok=True)
    run(
        ["mke2fs", "-q", "-t", "ext4", "-L", label, "-d", tree, disk, size],
        deadline_s=300,
        log=disk.with_suffix(".log"),
    )
