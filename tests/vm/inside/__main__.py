"""What is checked inside a virtual machine; started by checks.service as root."""

import os
from pathlib import Path

from tests.vm.inside.apart import apart
from tests.vm.inside.docker import docker
from tests.vm.inside.install import install
from tests.vm.inside.limits import limits
from tests.vm.inside.story import story
from tests.vm.inside.tap import done


def hostile() -> None:
    """Goes on as another program, in the Python that was installed."""
    python = "/opt/hexasched/bin/python"
    os.execv(python, [python, "-u", "-m", "tests.vm.inside.hostile"])


PARTS = {"systemd": (install, story, limits, apart), "hostile": (install, hostile), "docker": (docker,)}

# The kernel's command line says which part is this machine's: checks=docker.
told = dict(word.partition("=")[::2] for word in Path("/proc/cmdline").read_text().split())
for checks in PARTS[told["checks"]]:
    checks()
done()
