"""What every step of a worker needs: its settings, the database, the keys, the keeper, the helper, the runtimes."""

from dataclasses import dataclass
from pathlib import Path

from hexasched.config import Config
from hexasched.secrets import KeyRing
from hexasched.store.database import Database
from sandbox.client import Keeper
from sandbox.jobs import Runtime
from workers.helper import Helper


@dataclass(frozen=True, kw_only=True)
class Shop:
    """One worker process. `state_dir` is its own folder: spool, scratch, lock; gone when it ends well."""

    worker_id: str
    config: Config
    database: Database
    keys: KeyRing
    keeper: Keeper
    helper: Helper
    runtimes: dict[str, Runtime]
    state_dir: Path

    @property
    def data_dir(self) -> Path:
        """The instance's folder."""
        return self.config.data_dir

    def spool(self, key: str) -> Path:
        """Where the keeper writes the output of a job."""
        return self.state_dir / "spool" / f"{key}.log"
