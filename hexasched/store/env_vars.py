"""The environment variables of functions, encrypted; a secret's value is only ever given to a worker."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from hexasched.domain.functions import EnvVar
from hexasched.secrets import KeyRing
from hexasched.store import audit
from hexasched.store import tables as t


def _place(function_id: int, name: str) -> str:
    return f"env_vars/{function_id}/{name}"


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """All variables with their values, and the names of those whose values are never shown."""

    values: dict[str, str]
    secrets: tuple[str, ...]


def loaded(connection: Connection, keys: KeyRing, function_id: int) -> Loaded:
    """The environment of a function: for the worker that runs it, and for nobody else."""
    return loaded_each(connection, keys, [function_id])[function_id]


def loaded_each(connection: Connection, keys: KeyRing, function_ids: Collection[int]) -> dict[int, Loaded]:
    """The environments of functions, as `loaded`."""
    rows: dict[int, list[Any]] = {function_id: [] for function_id in function_ids}
    for row in connection.execute(_LOAD, {"functions": list(function_ids)}):
        rows[row.function_id].append(row)
    return {function_id: _opened(keys, of_one) for function_id, of_one in rows.items()}


def _opened(keys: KeyRing, rows: list[Any]) -> Loaded:
    return Loaded(
        values={row.name: keys.decrypt(row.ciphertext, _place(row.function_id, row.name)) for row in rows},
        secrets=tuple(row.name for row in rows if row.secret),
    )


_LOAD = select(t.env_vars.c.function_id, t.env_vars.c.name, t.env_vars.c.ciphertext, t.env_vars.c.secret).where(
    t.env_vars.c.function_id.in_(bindparam("functions", expanding=True))
)


def values(connection: Connection, keys: KeyRing, function_id: int) -> dict[str, str]:
    """All variables with their values: for who checks them, never to be shown."""
    return loaded(connection, keys, function_id).values


def secret_names(connection: Connection, function_id: int) -> tuple[str, ...]:
    """The names of the variables whose values are never shown."""
    names = connection.execute(
        select(t.env_vars.c.name).where(t.env_vars.c.function_id == function_id, t.env_vars.c.secret)
    ).scalars()
    return tuple(names)


def names(connection: Connection, function_id: int) -> frozenset[str]:
    """The names of all variables that are set."""
    names = connection.execute(select(t.env_vars.c.name).where(t.env_vars.c.function_id == function_id)).scalars()
    return frozenset(names)


def shown(connection: Connection, keys: KeyRing, function_id: int) -> list[EnvVar]:
    """The variables as a page may show them, by name: a secret has no value."""
    rows = connection.execute(
        select(t.env_vars).where(t.env_vars.c.function_id == function_id).order_by(t.env_vars.c.name)
    )
    return [
        EnvVar(
            name=row.name,
            secret=row.secret,
            value=None if row.secret else keys.decrypt(row.ciphertext, _place(function_id, row.name)),
        )
        for row in rows
    ]


def save(
    connection: Connection,
    keys: KeyRing,
    function_id: int,
    wanted: Mapping[str, EnvVar],
    now: datetime,
    *,
    by: int | None = None,
) -> None:
    """Make the environment exactly `wanted` (by name); a value of None keeps what is stored.

    The function's env_revision goes up if anything changed: the next run has the new values.
    """
    stored = {
        row.name: row for row in connection.execute(select(t.env_vars).where(t.env_vars.c.function_id == function_id))
    }
    gone = [name for name in stored if name not in wanted]
    changed = [v for v in wanted.values() if v.value is not None or v.secret != stored[v.name].secret]
    if gone:
        connection.execute(
            delete(t.env_vars).where(t.env_vars.c.function_id == function_id, t.env_vars.c.name.in_(gone))
        )
    for variable in changed:
        columns: dict[str, Any] = {"secret": variable.secret, "updated_at": now}
        if variable.value is not None:
            columns["ciphertext"] = keys.encrypt(variable.value, _place(function_id, variable.name))
        if variable.name in stored:
            connection.execute(update(t.env_vars).where(t.env_vars.c.id == stored[variable.name].id).values(columns))
        else:
            connection.execute(insert(t.env_vars).values(columns | {"function_id": function_id, "name": variable.name}))
    if gone or changed:
        function = connection.execute(
            update(t.functions)
            .where(t.functions.c.id == function_id)
            .values(env_revision=t.functions.c.env_revision + 1)
            .returning(t.functions.c.workspace_id, t.functions.c.name)
        ).one()
        detail = {"set": sorted(variable.name for variable in changed), "removed": sorted(gone)}
        place = {"workspace_id": function.workspace_id, "by": by}
        audit.note(connection, "env.change", function.name, now, detail=detail, **place)
