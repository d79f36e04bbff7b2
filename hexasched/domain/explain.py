"""Why a run ended as it did, in one sentence that says what to do; the same on pages, in mails, in the terminal."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from hexasched.domain.outcomes import ErrorDetail, Reason, Status


class Ended(Protocol):
    """What the sentence is made of."""

    @property
    def status(self) -> Status: ...
    @property
    def reason(self) -> Reason | None: ...
    @property
    def error(self) -> ErrorDetail | None: ...
    @property
    def env_missing(self) -> tuple[str, ...]: ...
    @property
    def env_read(self) -> tuple[str, ...]: ...
    @property
    def exit_code(self) -> int | None: ...
    @property
    def signal(self) -> int | None: ...
    @property
    def memory_mb(self) -> int: ...
    @property
    def timeout_s(self) -> int: ...
    @property
    def started_at(self) -> datetime | None: ...
    @property
    def may_have_run(self) -> bool: ...


_PLAIN = {
    Reason.OK: "It succeeded.",
    Reason.LOAD: "The code could not be loaded.",
    Reason.UNSETTLED: "The handler's promise never settled, and nothing could settle it any more. Await every step.",
    Reason.RESULT: "What the handler returned can't be stored. Return less, or plain JSON values.",
    Reason.DENIED: "The sandbox does not allow what the code tried.",
    Reason.INTERNAL: "HexaSched itself failed, not your code. The service's log has the details.",
    Reason.CPU: "It used more processor time than it may.",
    Reason.USER: "It was cancelled by a person.",
    Reason.REPLACED: "It was cancelled because the next run replaced it.",
    Reason.WORKER_GONE: "The worker that executed it is gone. Whether the code had finished its work is not known.",
    Reason.OVERLAP: "The run before it was still queued or running.",
    Reason.QUEUE_FULL: "Too many runs were waiting.",
    Reason.PAUSED: "The CronJob was paused.",
    Reason.BLACKOUT: "It fell into a blackout period.",
    Reason.CATCH_UP: "A later run stands for it.",
    Reason.DISABLED: "The function had no version that could run.",
    Reason.SERVER_DOWN: "HexaSched was not running at that time.",
    Reason.DEADLINE: "It could not start before its deadline.",
}


def explain(run: Ended) -> str:
    """One sentence or two."""
    if run.status is Status.QUEUED:
        return "It waits for a free worker."
    if run.status is Status.RUNNING:
        return "It is running." if run.started_at else "A worker has taken it; its start is not noted yet."
    assert run.reason is not None
    if run.may_have_run:
        lead = "" if run.reason is Reason.WORKER_GONE else f"{_PLAIN[run.reason]} "
        return f"{lead}The worker that had taken it is gone. Whether the code began is not known."
    make = _WITH_FACTS.get(run.reason)
    return make(run) if make else _PLAIN[run.reason]


def what_happened(error: ErrorDetail | None, env_missing: tuple[str, ...]) -> str:
    """What went wrong in one line, an empty text if that is not known: what is not set, and what the error says.

    Both, because the variable is the likely cause and the message is what happened.
    """
    missing = f"{', '.join(env_missing)} {'is' if len(env_missing) == 1 else 'are'} not set" if env_missing else ""
    lines = error.message.strip().splitlines() if error else []
    return ": ".join(filter(None, [missing, lines[0] if lines else "" if error is None else error.type]))


def _env_missing(run: Ended) -> str:
    names = " and ".join(run.env_missing)
    verb, it = ("is", "it") if len(run.env_missing) == 1 else ("are", "them")
    return f"It failed after reading {names}, which {verb} not set. Add {it} under Environment."


def _error(run: Ended) -> str:
    if not run.env_read:
        return "The code failed."
    word = "variable" if len(run.env_read) == 1 else "variables"
    return f"The code failed. It had read the {word} {', '.join(run.env_read)}."


def _drain(run: Ended) -> str:
    when = "while it ran" if run.started_at else "before the code began"
    return f"The worker was stopped {when}; such a run is queued again, at most three times in a row."


_WITH_FACTS: dict[Reason, Callable[[Ended], str]] = {
    Reason.ENV_MISSING: _env_missing,
    Reason.ERROR: _error,
    Reason.DRAIN: _drain,
    Reason.EXIT: lambda run: f"The process exited with code {run.exit_code} before the handler had settled.",
    Reason.SIGNAL: lambda run: f"The process was ended by signal {run.signal}.",
    Reason.MEMORY: lambda run: (
        f"It used more than {run.memory_mb} MB of memory and was stopped. Raise the memory limit or use less."
    ),
    Reason.TIME: lambda run: f"It ran longer than {run.timeout_s} s and was stopped. Raise the timeout or do less.",
}
