"""The container's files: settings that there are, and a profile that leaves the sandbox what it is made of."""

import json
import re
from pathlib import Path

from hexasched.config_loader import environment_names

ROOT = Path(__file__).resolve().parents[2]
MAKE_A_SANDBOX = {
    "clone",
    "clone3",
    "unshare",
    "setns",
    "mount",
    "umount2",
    "pivot_root",
    "prctl",
    "seccomp",
    "sethostname",
}


def test_the_image_and_its_manual_name_settings_that_there_are() -> None:
    text = (ROOT / "Dockerfile").read_text() + (ROOT / "docs" / "operations" / "docker.md").read_text()
    assert set(re.findall(r"HEXASCHED_[A-Z_]+", text)) <= set(environment_names())


def test_the_profile_forbids_none_of_the_calls_that_a_sandbox_is_made_with() -> None:
    profile = json.loads((ROOT / "deploy" / "docker" / "seccomp.json").read_text())
    whole = {name for rule in profile["syscalls"] if "args" not in rule for name in rule["names"]}
    assert profile["defaultAction"] == "SCMP_ACT_ALLOW"
    assert not whole & (MAKE_A_SANDBOX | {"execve", "futex", "landlock_create_ruleset", "socket"})


def test_the_profile_forbids_what_reaches_the_kernel_deepest() -> None:
    profile = json.loads((ROOT / "deploy" / "docker" / "seccomp.json").read_text())
    whole = {name for rule in profile["syscalls"] if "args" not in rule for name in rule["names"]}
    assert {"bpf", "kexec_load", "init_module", "keyctl", "perf_event_open", "ptrace", "userfaultfd"} <= whole
    assert all(rule["action"] == "SCMP_ACT_ERRNO" for rule in profile["syscalls"])
