"""The rows of environment variables in a form: read as typed, checked row by row, turned into what is stored."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hexasched.domain.functions import EnvVar, check_env, check_env_name
from web.code_facts import Use
from web.function_forms import typed_text

MAX_ROWS = 500
SPARE_ROWS = 5
"""Empty rows at the end of a form; with scripts there is a button instead."""

_ROW = re.compile(r"env-([0-9]{1,6})-(?:name|value)", re.ASCII)
_SECRET_WORDS = re.compile(r"PASS|PWD|SECRET|TOKEN|KEY|CREDENTIAL|DSN", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class EnvRow:
    """One row. `stored` is the name it had when the page was made, empty if it was not stored then.

    `suggested`: the code reads it and it is not set; such a row without a value is left alone.
    """

    name: str = ""
    value: str = ""
    secret: bool = False
    stored: str = ""
    suggested: bool = False
    remove: bool = False

    @property
    def ignored(self) -> bool:
        """Whether the row says nothing."""
        return self.remove or (not self.value and not self.stored and (self.suggested or not self.name))

    @property
    def keeps_secret(self) -> bool:
        """Whether the row leaves a stored secret as it is."""
        return bool(self.stored) and self.secret and not self.value and self.name == self.stored


def looks_secret(name: str) -> bool:
    """Whether a variable of this name usually holds a secret."""
    return bool(_SECRET_WORDS.search(name))


def read_rows(form: Mapping[str, str]) -> list[EnvRow]:
    """The rows that a browser sent (fields env-N-name, …), in order, without the empty ones."""
    numbers = sorted({int(found[1]) for key in form if (found := _ROW.fullmatch(key))})
    rows = [_read_row(form, f"env-{number}") for number in numbers[:MAX_ROWS]]
    return [row for row in rows if row.name or row.value or row.stored]


def _read_row(form: Mapping[str, str], prefix: str) -> EnvRow:
    return EnvRow(
        name=form.get(f"{prefix}-name", "").strip(),
        value=typed_text(form, f"{prefix}-value"),
        secret=form.get(f"{prefix}-secret") == "yes",
        stored=form.get(f"{prefix}-stored", ""),
        suggested=form.get(f"{prefix}-suggested") == "yes",
        remove=form.get(f"{prefix}-remove") == "yes",
    )


def stored_rows(variables: Iterable[EnvVar]) -> list[EnvRow]:
    """The rows of what is stored; a secret's value is not in them."""
    return [EnvRow(name=v.name, value=v.value or "", secret=v.secret, stored=v.name) for v in variables]


def suggested_rows(missing: Iterable[Use]) -> list[EnvRow]:
    """A row for each variable that the code reads and that is not set."""
    return [EnvRow(name=use.name, secret=looks_secret(use.name), suggested=True) for use in missing]


def with_row_for(rows: list[EnvRow], name: str) -> list[EnvRow]:
    """`rows` with one for the variable `name` first, unless it has a row."""
    if not name or check_env_name(name) or any(row.name == name for row in rows):
        return rows
    return [EnvRow(name=name, secret=looks_secret(name), suggested=True), *rows]


def check_rows(rows: list[EnvRow], stored: Mapping[str, str], secrets: Iterable[str]) -> dict[str, str]:
    """What is wrong, by field: "env-0-name", "env-0-value" (rows count from 0), "env" for all together.

    `stored` are the values that there are now, `secrets` the names of those that are never shown.
    """
    errors: dict[str, str] = {}
    secrets = frozenset(secrets)
    seen: set[str] = set()
    for number, row in enumerate(rows):
        if row.ignored:
            continue
        if bad_name := _check_row_name(row, seen):
            errors[f"env-{number}-name"] = bad_name
        elif bad_value := _check_row_value(row, secrets):
            errors[f"env-{number}-value"] = bad_value
        seen.add(row.name)
    if not errors and (mistakes := check_env(_whole(rows, stored))):
        errors["env"] = " ".join(mistakes)
    return errors


def _check_row_name(row: EnvRow, seen: set[str]) -> str | None:
    if not row.name:
        return "Name this variable, or remove the row."
    if row.name in seen:
        return f"{row.name} is in the list twice. Remove one of the rows."
    return check_env_name(row.name)


def _check_row_value(row: EnvRow, secrets: frozenset[str]) -> str | None:
    if row.keeps_secret:
        return None if row.name in secrets else "This secret was removed meanwhile. Type its value again."
    if row.stored in secrets and not row.value:
        why = "to rename it" if row.name != row.stored else "to make it visible"
        return f"A stored secret is never shown again: type its value {why}."
    return next(iter(check_env({row.name: row.value})), None)


def _whole(rows: list[EnvRow], stored: Mapping[str, str]) -> dict[str, str]:
    return {row.name: stored[row.name] if row.keeps_secret else row.value for row in rows if not row.ignored}


def wanted_environment(rows: list[EnvRow], stored: Mapping[str, str]) -> dict[str, EnvVar]:
    """What rows without mistakes ask for; a value of None is one that stays as it is."""
    wanted = (row for row in rows if not row.ignored)
    return {row.name: EnvVar(name=row.name, secret=row.secret, value=_changed(row, stored)) for row in wanted}


def _changed(row: EnvRow, stored: Mapping[str, str]) -> str | None:
    return None if row.keeps_secret or stored.get(row.name) == row.value else row.value
