"""What the sandbox finds on this machine: runtimes, and what is missing."""

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import limits
from sandbox.runtimes import describe, find_runtimes
from sandbox.selftest import problems
from tests.sandbox.harness import CHECKOUT, runtime

ASK = "from sandbox.selftest import problems; print(*problems('bubblewrap'), sep='\\n')"
AS_USER = "import pathlib, sys; from hexasched.privileges import drop_root; drop_root(pathlib.Path(sys.argv[1])); "


def asked_where(before: str) -> str:
    """The problems in a world of its own (of users and of mounts) in which the shell command `before` has run."""
    command = ["unshare", "--user", "--map-root-user", "--mount", "/bin/sh", "-ec", f'{before}; exec "$@"', "sh"]
    return answer([*command, sys.executable, "-c", ASK])


def answer(command: list[str]) -> str:
    """What a command prints."""
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT, check=True, timeout=60).stdout


def test_both_runtimes_are_found_the_newest_first() -> None:
    new, old = find_runtimes()
    assert (new.name, new.label, new.major, new.typescript, new.end_of_life) == (
        "node24",
        "Node.js 24",
        24,
        True,
        False,
    )
    assert (old.name, old.label, old.major) == ("node18", "Node.js 18 (end of life)", 18)
    assert (old.typescript, old.end_of_life) == (False, True)
    assert [Path(one.npm_cli or "").name for one in (new, old)] == ["npm-cli.js"] * 2


def test_what_does_not_start_is_no_runtime(tmp_path: Path) -> None:
    assert describe(tmp_path / "node", tmp_path / "npm") is None
    assert describe(Path("/bin/false"), tmp_path / "npm") is None


def test_the_memory_of_an_empty_program_is_measured() -> None:
    assert 10e6 < limits.base_data_bytes(runtime().node) < 2e9


def test_without_a_sandbox_nothing_but_node_is_needed() -> None:
    assert problems("none") == []


def test_nothing_is_missing_here(tmp_path: Path) -> None:
    assert answer([sys.executable, "-c", AS_USER + ASK, str(tmp_path / "data")]).strip() == ""


SAYS = 'folder=$(mktemp -d); printf "#!/bin/sh\necho %s >&2; exit 1" "{}" > $folder/bwrap; chmod +x $folder/bwrap; '
SAYS += "mount --bind $folder/bwrap $(command -v bwrap)"


@pytest.mark.parametrize(
    ("said", "cure"),
    [
        ("bwrap: setting up uid map: Permission denied", "/etc/apparmor.d/bwrap"),
        ("bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", "/etc/apparmor.d/bwrap"),
        ("bwrap: Unknown option --disable-userns", "bubblewrap 0.8 or newer"),
    ],
)
def test_what_bubblewrap_says_elsewhere_is_understood(said: str, cure: str) -> None:
    found = asked_where(SAYS.format(f"'{said}'"))
    assert said in found
    assert cure in found


@pytest.mark.parametrize(
    ("before", "what", "cure"),
    [
        ("mount --bind /dev/null $(command -v bwrap)", "bwrap is missing", "bubblewrap"),
        ("mount --bind /dev/null $(command -v pasta)", "pasta is missing", "passt"),
        ("mount -t tmpfs none /dev/net", "There is no /dev/net/tun", "mknod -m 0666 /dev/net/tun c 10 200"),
        ("echo 0 > /proc/sys/user/max_user_namespaces", "can't make a sandbox", "user.max_user_namespaces"),
    ],
)
def test_what_is_missing_is_said_with_its_cure(before: str, what: str, cure: str) -> None:
    found = asked_where(before)
    assert what in found
    assert cure in found
