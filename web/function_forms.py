"""The form of a function's program: fields as they were typed, and what they say if nothing is wrong."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from hexasched.domain.functions import SOURCE_FILES, check_name
from hexasched.domain.inputs import check_source, read_dependencies, read_limits
from hexasched.domain.limits import SWITCHES, UNITS, Limits
from hexasched.store.function_versions import Program
from web import runtimes

MAX_DESCRIPTION = 300

STARTER = """\
// Called when a schedule fires or somebody presses Run now.
// `event` says why, and has the payload; `context` has facts of this run.
export default async (event, context) => {
  console.log(`Run ${event.id} of ${context.functionName}`);
  return { received: event.payload };
};
"""


@dataclass(frozen=True, kw_only=True)
class ProgramForm:
    """The fields of a program as text, as they were typed."""

    runtime: str
    handler_file: str = "index.js"
    source: str = STARTER
    dependencies: str = ""
    limits: dict[str, str] = field(default_factory=lambda: _texts(Limits()))  # by the names in UNITS
    switches: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(SWITCHES, False))


def _texts(limits: Limits) -> dict[str, str]:
    return {name: str(getattr(limits, name)) for name in UNITS}


def typed_text(form: Mapping[str, str], name: str) -> str:
    """What was typed into an area of text, with the line ends that a person meant: browsers send CR LF."""
    return form.get(name, "").replace("\r\n", "\n")


def read_program(form: Mapping[str, str]) -> ProgramForm:
    """The fields as a browser sent them."""
    return ProgramForm(
        runtime=form.get("runtime", ""),
        handler_file=form.get("handler_file", ""),
        source=typed_text(form, "source"),
        dependencies=typed_text(form, "dependencies"),
        limits={name: form.get(name, "") for name in UNITS},
        switches={name: form.get(name) == "yes" for name in SWITCHES},
    )


def form_of(program: Program) -> ProgramForm:
    """The fields as they show a program that exists."""
    return ProgramForm(
        runtime=program.runtime,
        handler_file=program.handler_file,
        source=program.source,
        dependencies=json.dumps(program.dependencies, indent=2) if program.dependencies else "",
        limits=_texts(program.limits),
        switches={name: getattr(program.limits, name) for name in SWITCHES},
    )


def check_program(typed: ProgramForm, known: dict[str, str], ceiling: Limits) -> tuple[Program | None, dict[str, str]]:
    """The program, or None and what is wrong with each field; `known` are the runtimes, name to label."""
    dependencies, bad_packages = read_dependencies(typed.dependencies)
    limits, errors = read_limits(typed.limits, typed.switches, ceiling=ceiling)
    errors |= runtimes.check(typed.runtime, typed.handler_file, known)
    # The file's name was looked at with the runtime: this is about the text.
    if bad_source := check_source(typed.source, SOURCE_FILES[0]):
        errors["source"] = bad_source
    if bad_packages:
        errors["dependencies"] = bad_packages
    if errors:
        return None, errors
    program = Program(
        runtime=typed.runtime,
        handler_file=typed.handler_file,
        source=typed.source,
        dependencies=dependencies,
        limits=limits,
    )
    return program, {}


def check_names(name: str, description: str) -> dict[str, str]:
    """What is wrong with a function's name and description, by field."""
    errors = {}
    if bad_name := check_name(name):
        errors["name"] = bad_name
    if bad_description := check_description(description):
        errors["description"] = bad_description
    return errors


def check_description(text: str) -> str | None:
    """Why `text` can't be a function's description, or None if it can."""
    if len(text) > MAX_DESCRIPTION:
        return f"A description has at most {MAX_DESCRIPTION} characters; this one has {len(text)}."
    return None if text.isprintable() else "A description is one line of text."
