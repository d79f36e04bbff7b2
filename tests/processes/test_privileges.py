"""Root is given up for good, and the program still finds all it needs, wherever it was installed."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hexasched import data_folder
from hexasched.errors import HexaSchedError
from hexasched.private_view import Identity
from hexasched.privileges import FALLBACK_UID, choose

pytestmark = pytest.mark.root

PROGRAM = """
import sys
from pathlib import Path
from hexasched.errors import HexaSchedError
from hexasched.privileges import drop_root
try:
    who = drop_root(Path(sys.argv[1]), [path for path in [Path(__file__).with_name("config.toml")] if path.exists()])
except HexaSchedError as error:
    sys.exit(str(error))
exec(sys.argv[2])
"""


@dataclass(frozen=True)
class Installation:
    """A program under a folder that only root can enter, with secrets beside it."""

    closed: Path

    @property
    def program(self) -> list[str]:
        return [str(self.closed / "clone/.venv/bin/python"), str(self.closed / "clone/program.py")]

    def run(self, code: str, *, data: Path | None = None, prefix: tuple[str, ...] = ()) -> str:
        """What `code` prints once root is given up; the words of a refusal when it is refused."""
        argv = [*prefix, *self.program, str(data or self.closed / "clone/data"), code]
        done = subprocess.run(argv, cwd=self.closed / "clone", capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr


@pytest.fixture
def installed(tmp_path: Path) -> Installation:
    closed = tmp_path / "closed"
    clone = closed / "clone"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(data_folder.__file__).parent, clone / "hexasched", ignore=ignore)
    (clone / "program.py").write_text(PROGRAM)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", clone / ".venv"], check=True)
    (closed / "notes.txt").write_text("for root's eyes")
    (clone / "key.txt").write_text("for root's eyes")
    closed.chmod(0o700)
    return Installation(closed)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody can enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_it_becomes_an_unprivileged_user_for_ever(installed: Installation) -> None:
    said = installed.run(
        "import os\n"
        "print(os.getresuid(), os.getresgid(), os.getgroups(), oct(os.umask(0)))\n"
        "print(Path('/proc/self/status').read_text().split('CapPrm:')[1].split()[0])\n"
        "try: os.setuid(0)\n"
        "except PermissionError: print('no way back')\n"
    )
    ids = f"({FALLBACK_UID}, {FALLBACK_UID}, {FALLBACK_UID})"
    assert said == f"{ids} {ids} [] 0o77\n0000000000000000\nno way back\n"


def test_it_finds_its_code_and_its_data_under_a_closed_folder(installed: Installation) -> None:
    said = installed.run(
        "import os, sqlite3, hexasched.domain.limits\n"
        "Path(sys.argv[1], 'file').write_text('x')\n"
        "print(os.environ['HOME'] == sys.argv[1], os.environ['USER'], Path.cwd() == Path(__file__).parent)\n"
    )
    assert said == "True hexasched True\n"
    data = installed.closed / "clone/data"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert (data / "file").stat().st_uid == FALLBACK_UID
    assert stat.S_IMODE((data / "file").stat().st_mode) == 0o600


def test_it_sees_nothing_else_of_a_closed_folder_and_cannot_change_its_code(installed: Installation) -> None:
    said = installed.run(
        "import os\n"
        "closed = Path(__file__).parents[1]\n"
        "print(sorted(os.listdir(closed)), sorted(os.listdir(closed / 'clone')))\n"
        "for path in (closed / 'clone/hexasched/new.py', closed / 'clone/new.py'):\n"
        "    try: path.write_text('')\n"
        "    except OSError as error: print(error.errno == 30)\n"
    )
    assert said == "['clone'] ['.venv', 'data', 'hexasched']\nTrue\nTrue\n"


def test_it_leaves_the_machine_as_it_was(installed: Installation) -> None:
    def machine() -> tuple[str, int, list[str]]:
        listed = sorted(str(path.relative_to(installed.closed)) for path in installed.closed.rglob("*"))
        return Path("/proc/self/mountinfo").read_text(), installed.closed.stat().st_mode, listed

    (installed.closed / "clone/data").mkdir()
    installed.run("pass")  # leaves the compiled modules behind
    before = machine()
    argv = [*installed.program, str(installed.closed / "clone/data"), "print(1, flush=True); sys.stdin.read()"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"1\n"
        during = machine()
        running.communicate()
    assert running.returncode == 0
    assert during == before
    assert machine() == before


def test_it_follows_links_into_a_closed_folder(installed: Installation, tmp_path: Path) -> None:
    (installed.closed / "renamed").symlink_to("clone")
    (installed.closed / "elsewhere").symlink_to(installed.closed / "renamed")
    linked = installed.closed / "elsewhere"
    program = [linked / ".venv/bin/python", linked / "program.py", tmp_path / "data"]
    done = subprocess.run([*program, "import sqlite3; print(who)"], capture_output=True, text=True)
    assert done.stdout == f"Identity(uid={FALLBACK_UID}, gid={FALLBACK_UID})\n", done.stderr


def test_it_lets_the_sandbox_tools_work_from_there(installed: Installation) -> None:
    said = installed.run(
        "import subprocess\n"
        "box = ['bwrap', '--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc', '--unshare-all']\n"
        "subprocess.run([*box, sys.executable, '-c', 'print(1, flush=True)'])\n"
        "net = ['pasta', '--config-net', '-t', 'none', '-u', 'none', '-T', 'none', '-U', 'none', '-f', '--']\n"
        "subprocess.run([*net, sys.executable, '-c', 'print(2, flush=True)'])\n"
    )
    assert said == "1\n2\n"


def test_it_gets_a_tunnel_device_of_its_own_where_the_machines_is_closed(installed: Installation) -> None:
    closed_device = 'mount -t tmpfs none /dev/net && mknod -m 600 /dev/net/tun c 10 200 && exec "$@"'
    said = installed.run(
        "import os; os.close(os.open('/dev/net/tun', os.O_RDWR)); print('opened')",
        prefix=("unshare", "--mount", "sh", "-c", closed_device, "sh"),
    )
    assert said == "opened\n"


WITHOUT_MOUNT = ("setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin")


def test_it_names_the_closed_folder_where_it_may_not_mount(installed: Installation) -> None:
    said = installed.run("print('never')", prefix=WITHOUT_MOUNT)
    assert "chmod o+x /" in said
    assert "to which the folder" in said
    assert "never" not in said


def test_it_needs_no_mount_where_everything_is_open(installed: Installation, open_folder: Path) -> None:
    shutil.copytree(installed.closed / "clone/hexasched", open_folder / "hexasched")
    shutil.copy(installed.closed / "clone/program.py", open_folder)
    (open_folder / "python").mkdir()
    script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
    python = open_folder / "python/bin" / Path(sys.executable).resolve().name
    mounted = ["unshare", "--mount", "sh", "-c", script, "sh", sys.base_prefix, str(open_folder / "python")]
    program = [str(python), str(open_folder / "program.py"), str(open_folder / "data"), "print(who)"]
    env = {**os.environ, "PYTHONHOME": str(python.parents[1])}
    done = subprocess.run([*mounted, *WITHOUT_MOUNT, *program], capture_output=True, text=True, env=env)
    assert done.stdout == f"Identity(uid={FALLBACK_UID}, gid={FALLBACK_UID})\n", done.stderr


def test_it_says_which_files_a_strict_umask_has_closed(installed: Installation) -> None:
    module = installed.closed / "clone/hexasched/privileges.py"
    module.chmod(0o600)
    said = installed.run("print('never')")
    assert f"{module} is not readable for uid {FALLBACK_UID}" in said
    assert said.endswith(f"Open it: chmod -R go+rX {module.parent}\n")


def test_it_reads_its_configuration_later_or_says_who_may(installed: Installation) -> None:
    file = installed.closed / "clone/config.toml"
    file.write_text("port = 1")
    assert installed.run("print(Path(__file__).with_name('config.toml').read_text())") == "port = 1\n"
    file.chmod(0o600)
    said = installed.run("print('never')")
    assert f"{file} is not readable for uid {FALLBACK_UID}" in said
    assert said.endswith(f"Let it: chgrp {FALLBACK_UID} {file} && chmod g+r {file}\n")


def test_it_stays_who_it_is_when_it_is_not_root(installed: Installation, open_folder: Path) -> None:
    shutil.copytree(installed.closed / "clone/hexasched", open_folder / "hexasched")
    code = (
        "import os, sys; from pathlib import Path; from hexasched.privileges import drop_root; "
        "os.setuid(12345); print(drop_root(Path(sys.argv[1])), os.getuid())"
    )
    never_made = open_folder / "never-made"
    done = subprocess.run([sys.executable, "-c", code, never_made], cwd=open_folder, capture_output=True, text=True)
    assert done.stdout == "None 12345\n", done.stderr
    assert not never_made.exists()


def test_it_becomes_whom_the_setting_or_the_data_folder_names(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 23456)
    assert choose("", tmp_path) == Identity(uid=12345, gid=23456)
    assert choose("34567", tmp_path) == Identity(uid=34567, gid=34567)
    assert choose("nobody", tmp_path).uid == 65534
    os.chown(tmp_path, 12345, 0)
    assert choose("", tmp_path) == Identity(uid=12345, gid=12345)


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ("nosuchuser", "there is no such user. Make it: useradd --system --user-group nosuchuser"),
        ("root", "has root's rights"),
        ("0", "has root's rights"),
    ],
)
def test_it_refuses_a_user_that_is_nobody_or_root(user: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(HexaSchedError, match=message):
        choose(user, tmp_path)


def test_it_gives_away_only_what_root_owns_in_the_data_folder(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "config.toml").touch()
    (data / "theirs").touch()
    os.chown(data / "theirs", 23456, 23456)
    (tmp_path / "outside").touch()
    (data / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "second-name").touch()
    (data / "hard").hardlink_to(tmp_path / "second-name")
    data_folder.give(data, 12345, 12345)
    owners = {path.name: path.lstat().st_uid for path in [data, *data.iterdir(), tmp_path / "outside"]}
    assert owners == {"data": 12345, "config.toml": 12345, "theirs": 23456, "link": 0, "hard": 0, "outside": 0}


def test_it_does_not_take_a_folder_with_other_things_in_it(tmp_path: Path) -> None:
    (tmp_path / "letters").touch()
    with pytest.raises(HexaSchedError, match="has other things in it"):
        data_folder.give(tmp_path, 12345, 12345)
    assert tmp_path.stat().st_uid == 0


def test_it_does_not_take_somebody_elses_folder_or_a_link(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 23456, 23456)
    with pytest.raises(HexaSchedError, match="belongs to uid 23456, but the service runs as 12345"):
        data_folder.give(tmp_path / "theirs", 12345, 12345)
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    with pytest.raises(HexaSchedError, match="is a link or a file"):
        data_folder.give(tmp_path / "link", 12345, 12345)


def test_a_command_of_root_finds_the_service_whose_configuration_does_not_name_the_data_folder(
    open_folder: Path,
) -> None:
    config = open_folder / "config.toml"
    config.write_text("port = 9999\n")
    config.chmod(0o644)
    opened = "from pathlib import Path; from hexasched.cli.instance import note_service, open_instance; "
    service = f"{opened}note_service(open_instance(Path({str(config)!r})))"
    command = f"{opened}print(open_instance().config.data_dir)"
    # /var/lib is covered: nothing of this machine is touched.
    script = 'mount -t tmpfs -o mode=0755 none /var/lib && "$0" -c "$1" && "$0" -c "$2"'
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HEXASCHED_")}
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, sys.executable, service, command],
        env=environ,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines() == ["/var/lib/hexasched"], done.stderr
