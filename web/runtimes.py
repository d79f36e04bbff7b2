"""Which runtimes and languages a function can be written for, and how they are called."""

from hexasched.domain.functions import SOURCE_FILES
from hexasched.store import workers
from hexasched.store.database import Connection
from web.instance import now

DEFAULT = {"node24": "Node.js 24"}
"""Offered while no worker is there to say what it has: a deploy then waits for one."""

LANGUAGES = {"index.js": "JavaScript (index.js)", "index.ts": "TypeScript (index.ts)"}
TYPESCRIPT_SINCE = 22


def offered(connection: Connection) -> dict[str, str]:
    """Name to label of the runtimes that workers have, the newest first."""
    found = workers.runtimes(connection, now()) or DEFAULT
    return dict(sorted(found.items(), key=lambda item: major(item[0]), reverse=True))


def label(name: str | None) -> str:
    """`Node.js 24` for "node24"; empty for None."""
    return f"Node.js {major(name)}" if name else ""


def major(name: str) -> int:
    """24 of "node24"; 0 of a name of another kind."""
    digits = name.removeprefix("node")
    return int(digits) if digits.isdecimal() else 0


def languages(handler_file: str) -> dict[str, str]:
    """File name to label of what can be chosen, with the name that a function has already."""
    return LANGUAGES if handler_file in LANGUAGES else {handler_file: handler_file, **LANGUAGES}


def runs_typescript(runtime: str) -> bool:
    """Whether Node.js of this version runs TypeScript."""
    return major(runtime) >= TYPESCRIPT_SINCE


def check(runtime: str, handler_file: str, runtimes: dict[str, str]) -> dict[str, str]:
    """What is wrong with the choice, by field ("runtime", "handler_file")."""
    if runtime not in runtimes:
        have = ", ".join(runtimes.values())
        return {"runtime": f"No worker has this runtime now. Choose another one: {have}."}
    if handler_file not in SOURCE_FILES:
        return {"handler_file": f"The file must be one of {', '.join(SOURCE_FILES)}."}
    if handler_file.endswith("ts") and not runs_typescript(runtime):
        return {"handler_file": f"{label(runtime)} can't run TypeScript. Choose JavaScript, or a newer runtime."}
    return {}
