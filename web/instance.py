"""What every view works with: the configuration, the database, the keys, and the moment of the request."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask, current_app, g

from hexasched.config import Config
from hexasched.secrets import KeyRing
from hexasched.store.database import Database

Clock = Callable[[], datetime]


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One running HexaSched as its pages see it."""

    config: Config
    database: Database
    keys: KeyRing
    clock: Clock


def utc_now() -> datetime:
    """The clock of a real instance."""
    return datetime.now(UTC)


def attach(app: Flask, instance: Instance) -> None:
    """Make `instance` the one that `app`'s views get."""
    app.extensions["hexasched"] = instance


def instance() -> Instance:
    """The instance of the application that handles this request."""
    found = current_app.extensions["hexasched"]
    assert isinstance(found, Instance)
    return found


def config() -> Config:
    """The instance's configuration."""
    return instance().config


def database() -> Database:
    """The instance's database."""
    return instance().database


def now() -> datetime:
    """The moment of this request: the same in every query and on the whole page."""
    if "now" not in g:
        g.now = instance().clock()
    moment: datetime = g.now
    return moment
