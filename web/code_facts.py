"""What the analysis of a source says about variables and packages, in the shape that pages need."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Use:
    """A variable that the code reads: the lines, and whether every place copes with its absence."""

    name: str
    lines: tuple[int, ...]
    optional: bool


def uses(analysis: dict[str, Any] | None) -> dict[str, Use]:
    """The variables that the code reads, by name, in the order of their first line."""
    found: dict[str, Use] = {}
    for entry in (analysis or {}).get("env", []):
        name = entry["name"]
        before = found.get(name) or Use(name=name, lines=(), optional=True)
        lines = tuple(sorted({*before.lines, entry["line"]}))
        found[name] = Use(name=name, lines=lines, optional=before.optional and entry["optional"])
    return found


def missing(analysis: dict[str, Any] | None, names: Collection[str]) -> list[Use]:
    """The variables that the code can't do without and that are not among `names`."""
    return [use for use in uses(analysis).values() if not use.optional and use.name not in names]


def missing_packages(analysis: dict[str, Any] | None, packages: Collection[str]) -> list[dict[str, Any]]:
    """{name, line} of each package that the code imports and that is not among `packages`."""
    found: dict[str, int] = {}
    for entry in (analysis or {}).get("imports", []):
        if entry["package"] and entry["package"] not in packages:
            found.setdefault(entry["package"], entry["line"])
    return [{"name": name, "line": line} for name, line in found.items()]
