"""Boots the virtual machine and hands over what the checks inside write to its second serial line."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from hexasched.linux import PR_SET_PDEATHSIG, prctl
from tests.vm.debian import Debian

KERNEL_LINE = "checks={part} root=/dev/vda rw console=ttyS0 quiet systemd.show_status=no net.ifnames=1"
MEMORY_MB = 3072


def command(debian: Debian, payload: Path, part: str, boot_log: Path, accel: str) -> list[str]:
    """qemu's command line for a `part` of the checks; the disk stays as it is, the network has routes but no world."""
    return [
        *("qemu-system-x86_64", "-accel", accel, "-cpu", "max", "-smp", "2", "-m", str(MEMORY_MB)),
        *("-kernel", str(debian.kernel), "-initrd", str(debian.initrd), "-append", KERNEL_LINE.format(part=part)),
        *("-drive", f"file={debian.disk},if=virtio,format=raw,snapshot=on"),
        *("-drive", f"file={payload},if=virtio,format=raw,readonly=on"),
        *("-nic", "user,model=virtio-net-pci,restrict=on"),
        *("-display", "none", "-monitor", "none", "-no-reboot"),
        *("-serial", f"file:{boot_log}", "-serial", "stdio"),
    ]


def lines(argv: list[str], *, deadline_s: float, silence_s: float) -> Iterator[str]:
    """What the machine says until it is off. It is ended, and a line says so, when it is late or falls silent."""
    machine = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL),  # noqa: PLW1509 - one call into the kernel
    )
    assert machine.stdout is not None
    until = time.monotonic() + deadline_s
    rest = b""
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(machine.stdout, selectors.EVENT_READ)
            while True:
                if not selector.select(min(silence_s, max(until - time.monotonic(), 0))):
                    yield f"not ok - the machine said nothing for {silence_s:.0f} s, or took over {deadline_s:.0f} s"
                    return
                piece = os.read(machine.stdout.fileno(), 65536)
                if not piece:
                    return
                *whole, rest = (rest + piece).split(b"\n")
                yield from (line.decode(errors="replace").rstrip("\r") for line in whole)
    finally:
        machine.kill()
        machine.wait()
