"""Hostile functions against the walls of namespaces and control groups together: what uses up, and what breaks out.

Runs in the Python that HexaSched is installed in, which the other checks do not need.
"""

import os
import pwd
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from sandbox.cgroups import CONTROLLERS, MOUNT, OWN
from tests.sandbox.hostile import Attack, attacks
from tests.sandbox.rounds import play
from tests.sandbox.worlds import belongs
from tests.vm.inside.tap import check, done, expect, note, title

GROUPS = ("env", "fds", "files", "kernel", "memory", "net", "others", "output", "proc", "scratch", "time")
WORLD = "bubblewrap-root"
SLOWNESS = 8
HOME = MOUNT / "attacked"
ENTER = f'echo $$ > {HOME / OWN / "cgroup.procs"} && exec "$@"'


def hostile() -> None:
    """A keeper of its own, whose runs get groups beneath one that was made for it, as systemd would delegate it."""
    title("hostile functions")
    check("a control group is delegated to the service's user", _delegate)
    for group in GROUPS:
        chosen = [attack for attack in attacks() if belongs(attack, WORLD) and attack.name.startswith(f"{group}/")]
        check(f"{group}: the walls hold against {len(chosen)} attacks, and nothing is left", partial(_attack, chosen))


def _delegate() -> None:
    wanted = " ".join(f"+{name}" for name in CONTROLLERS)
    (MOUNT / "cgroup.subtree_control").write_text(wanted)
    (HOME / OWN).mkdir(parents=True)
    (HOME / "cgroup.subtree_control").write_text(wanted)
    user = pwd.getpwnam("hexasched")
    for path in (HOME, HOME / "cgroup.procs", HOME / "cgroup.subtree_control"):
        os.chown(path, user.pw_uid, user.pw_gid)


def _attack(chosen: list[Attack]) -> None:
    folder = Path(mkdtemp())
    folder.chmod(0o755)
    played = play(WORLD, chosen, folder, SLOWNESS, before=("sh", "-c", ENTER, "sh"), cgroup=str(HOME))
    wrong = [f"{name}: {text}" for name, texts in played.wrong.items() for text in texts]
    wrong += [*played.controls_failed, *played.left]
    expect(not wrong and played.ended >= len(chosen), "\n".join(wrong))
    note(f"{played.ended} attacks and {played.controls} controls ended")


if __name__ == "__main__":
    hostile()
    done()
