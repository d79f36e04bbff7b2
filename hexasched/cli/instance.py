"""What every command begins with: the configuration, root given up, the database, the key."""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hexasched import doorbell
from hexasched.config import Config
from hexasched.config_loader import load
from hexasched.errors import ConfigError, HexaSchedError, StoreError
from hexasched.privileges import drop_root
from hexasched.secrets import KeyRing, load_key_ring
from hexasched.store import schema, workspaces
from hexasched.store.database import Connection, Database, url_for

SYSTEM_CONFIG = Path("/etc/hexasched/config.toml")
FOUND_BY = "service.json"
"""In the data folder: which configuration file the service there was started with."""


@dataclass(frozen=True)
class Instance:
    """One instance, as this process (which is no longer root) uses it."""

    config: Config
    config_file: Path | None

    @cached_property
    def database(self) -> Database:
        """The database, at this program's schema. Raises StoreError or StoreBusyError with one clear line."""
        database = Database(url_for(self.config.database_url, self.config.data_dir))
        try:
            schema.check(database)
        except StoreError:
            database.close()
            raise
        if not database.is_sqlite:
            from hexasched.store.bells import Carrier

            doorbell.carry(self.config.data_dir, Carrier(database, self.config.data_dir))
        return database

    @cached_property
    def keys(self) -> KeyRing:
        """The instance's key ring."""
        return load_key_ring(self.config.data_dir)

    def workspace(self, connection: Connection) -> workspaces.Workspace:
        """The workspace that the command line works in."""
        workspace = workspaces.first_workspace(connection)
        if workspace is None:
            raise HexaSchedError(
                "There is no account yet. Open the dashboard, or: hexasched user create --email you@example.org"
            )
        return workspace


def open_instance(config_file: Path | None = None, *, runs_code: bool = False) -> Instance:
    """Read the configuration, give up root, and make sure that there is a data folder.

    A process that `runs_code` keeps the right to act as the users of runs, where they need one each.

    The configuration is the file named, else the one of the service that runs on the data folder, else the
    system's. What the data folder says is only believed once root is given up: the service can write there.
    """
    named = config_file or (Path(os.environ["HEXASCHED_CONFIG"]) if os.environ.get("HEXASCHED_CONFIG") else None)
    config, used = read_config(named or (SYSTEM_CONFIG if SYSTEM_CONFIG.exists() else None))
    drop_root(config.data_dir, [used.absolute()] if used else [], config.user, _needs_slots if runs_code else None)
    try:
        config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise HexaSchedError(f"The data folder {config.data_dir} can't be made: {error.strerror}.") from None
    if named is None and (noted := _of_running_service(config.data_dir)) is not None:
        config, used = read_config(noted, config.data_dir)
    return Instance(config, used)


def _needs_slots() -> bool:
    from workers.facts import needs_slots

    return needs_slots()


def prepare(instance: Instance) -> None:
    """Migrate the database and see that the key is there."""
    database = Database(url_for(instance.config.database_url, instance.config.data_dir))
    try:
        schema.migrate(database)
    finally:
        database.close()
    load_key_ring(instance.config.data_dir)  # not kept: who needs no key should not have one in memory


def read_config(file: Path | None, data_dir: Path | None = None) -> tuple[Config, Path | None]:
    """The configuration out of `file` (None: only defaults) and the environment, and `file` again.

    `data_dir` is the data folder where neither names one; None: the usual place of who asks, root or not.
    """
    try:
        text = file.read_text() if file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"The configuration file {file} can't be read: {error}"]) from None
    return load(text, os.environ, data_dir or _default_data_dir()), file


def note_service(instance: Instance) -> None:
    """Let commands that only know the data folder find this service's configuration."""
    file = instance.config.data_dir / FOUND_BY
    config_file = str(instance.config_file.absolute()) if instance.config_file else None
    file.write_text(json.dumps({"config_file": config_file, "pid": os.getpid(), "port": instance.config.port}))


def told_of_service(instance: Instance) -> str:
    """What is known of the service on this data folder: " (pid 7, port 8080)", or nothing."""
    try:
        noted = json.loads((instance.config.data_dir / FOUND_BY).read_text())
        return f" (pid {noted['pid']}, port {noted['port']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _of_running_service(data_dir: Path) -> Path | None:
    try:
        config_file = json.loads((data_dir / FOUND_BY).read_text())["config_file"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Path(config_file) if config_file and Path(config_file).exists() else None


def _default_data_dir() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/hexasched")
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "hexasched"
