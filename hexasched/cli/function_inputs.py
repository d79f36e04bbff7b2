"""What is typed for `hexasched function deploy`: read, and checked all at once."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hexasched.cli.instance import Instance
from hexasched.domain.dotenv import read_dotenv
from hexasched.domain.functions import SOURCE_FILES, check_env, check_name
from hexasched.domain.inputs import check_source, read_dependencies, read_limits
from hexasched.domain.limits import SWITCHES, UNITS
from hexasched.errors import HexaSchedError, InvalidInputError
from hexasched.store import workers
from hexasched.store.function_versions import Program

_OPTIONS = {"timeout_s": "timeout", "memory_mb": "memory", "scratch_mb": "scratch"}
"""The limits whose options have shorter names."""


def read_files(source: Path, package_json: Path | None) -> tuple[str, str, str]:
    """The name and the text of the code, and the text of package.json. Raises HexaSchedError."""
    try:
        return source.name, source.read_text(), package_json.read_text() if package_json else ""
    except (OSError, UnicodeDecodeError) as error:
        raise HexaSchedError(f"{source} can't be read as text: {error}") from None


def read_env_file(file: Path | None) -> str:
    """The text of a .env file; - is standard input. Raises HexaSchedError."""
    if file is None:
        return ""
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text()
    except (OSError, UnicodeDecodeError):
        # Not the error's own words: they may show a part of what was read.
        raise HexaSchedError(f"The variables in {file} can't be read as UTF-8 text.") from None


def check(
    instance: Instance, name: str, files: tuple[str, str, str], options: dict[str, Any]
) -> tuple[Program, dict[str, str]]:
    """The program and its variables. Raises InvalidInputError with all that is wrong."""
    file_name, source, package_json = files
    handler_file = file_name if file_name in SOURCE_FILES else f"index{Path(file_name).suffix}"
    typed = {name: options[_OPTIONS.get(name, name)] for name in UNITS}
    limits, bad_limits = read_limits(
        typed,
        {name: options[name] for name in SWITCHES},
        ceiling=instance.config.ceiling,
    )
    wrong = {_OPTIONS.get(name, name).replace("_", "-"): message for name, message in bad_limits.items()}
    dependencies, bad_packages = read_dependencies(package_json)
    variables, bad_lines = read_dotenv(options["dotenv"])
    variables |= dict(pair.partition("=")[::2] for pair in options["pairs"])
    without_value = [pair for pair in options["pairs"] if "=" not in pair]
    found = {
        "name": check_name(name),
        "code": check_source(source, handler_file),
        "packages": bad_packages,
        "environment": _environment_mistakes(variables, without_value, bad_lines),
        "runtime": _check_runtime(instance, options["runtime"]),
    }
    wrong |= {field: message for field, message in found.items() if message}
    if wrong:
        raise InvalidInputError(wrong)
    program = Program(
        runtime=options["runtime"], handler_file=handler_file, source=source, dependencies=dependencies, limits=limits
    )
    return program, variables


def _environment_mistakes(variables: dict[str, str], without_value: list[str], bad_lines: list[int]) -> str | None:
    mistakes = [f"--env wants NAME=VALUE; {pair[:60]!r} has no =." for pair in without_value]
    mistakes += [f"Line {number} of --env-file is not NAME=VALUE." for number in bad_lines[:3]]
    return " ".join(mistakes + check_env(variables)) or None


def _check_runtime(instance: Instance, name: str) -> str | None:
    with instance.database.reading() as connection:
        known = workers.runtimes(connection, datetime.now(UTC))
    if known and name not in known:
        return f"No worker has the runtime {name!r}; there is {', '.join(sorted(known))}."
    return None
