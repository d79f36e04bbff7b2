"""How the statuses and reasons of runs are shown: a shape, a word, a colour, a few words of why."""

from dataclasses import dataclass

from hexasched.domain.outcomes import Reason, Status


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a status looks: a colour (`tone`), a shape (`icon`), a word, and a sentence for who asks."""

    tone: str
    icon: str
    word: str
    meaning: str


LOOKS: dict[str, Look] = {
    Status.QUEUED: Look(tone="neutral", icon="circle", word="Queued", meaning="Waits for a free worker."),
    Status.RUNNING: Look(tone="running", icon="turning", word="Running", meaning="The code is running now."),
    Status.SUCCEEDED: Look(tone="succeeded", icon="check", word="Succeeded", meaning="The code ran to its end."),
    Status.FAILED: Look(tone="failed", icon="cross", word="Failed", meaning="The run ended with an error."),
    Status.TIMED_OUT: Look(tone="failed", icon="clock", word="Timed out", meaning="It took too long and was stopped."),
    Status.CANCELLED: Look(tone="neutral", icon="slash", word="Cancelled", meaning="It was stopped on purpose."),
    Status.LOST: Look(tone="failed", icon="question", word="Lost", meaning="Its worker went away."),
    Status.SKIPPED: Look(tone="warning", icon="skip", word="Skipped", meaning="A policy said not to run it."),
    Status.MISSED: Look(tone="warning", icon="triangle", word="Missed", meaning="It could not start in time."),
}  # fmt: skip

REASONS: dict[str, str] = {
    Reason.ERROR: "the code threw an error",
    Reason.EXIT: "the process ended itself",
    Reason.SIGNAL: "the process was killed by a signal",
    Reason.MEMORY: "out of memory",
    Reason.LOAD: "the code could not be loaded",
    Reason.UNSETTLED: "the handler never finished",
    Reason.RESULT: "the result could not be stored",
    Reason.ENV_MISSING: "an environment variable is not set",
    Reason.DENIED: "the sandbox refused an operation",
    Reason.INTERNAL: "a fault in HexaSched",
    Reason.TIME: "time limit",
    Reason.CPU: "CPU limit",
    Reason.USER: "by a person",
    Reason.REPLACED: "replaced by a newer run",
    Reason.WORKER_GONE: "the worker stopped answering",
    Reason.DRAIN: "the service was stopped",
    Reason.OVERLAP: "the run before it was still going",
    Reason.QUEUE_FULL: "the queue was full",
    Reason.PAUSED: "the CronJob was paused",
    Reason.BLACKOUT: "inside a blackout window",
    Reason.CATCH_UP: "an older tick of a catch-up",
    Reason.DISABLED: "the function had no version that could run",
    Reason.SERVER_DOWN: "the server was down",
    Reason.DEADLINE: "past its starting deadline",
}


def look(status: str) -> Look:
    """How `status` is shown; a word that is not known is shown as it is."""
    return LOOKS.get(status) or Look(tone="neutral", icon="circle", word=status.capitalize(), meaning="")
