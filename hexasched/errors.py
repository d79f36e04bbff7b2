"""The exceptions of HexaSched; a docstring is the kind of trouble, the message names the case."""

import errno

FULL_DISK = "The disk of the service is full."


class HexaSchedError(Exception):
    """Something that a person can mend; its message is one clear line. The command line exits with `exit_status`."""

    exit_status = 1


class TryAgainError(HexaSchedError):
    """Something that may have passed when the same is tried again; the status is sysexits.h's EX_TEMPFAIL."""

    exit_status = 75


class ConfigError(HexaSchedError):
    """The configuration has mistakes; `mistakes` has one line for each."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class StoreError(HexaSchedError):
    """The database can't be used: not writable, newer than this program, not reachable."""


class StoreBusyError(StoreError, TryAgainError):
    """The database does not answer right now; the same step may succeed when it is tried again."""


class StoreFullError(StoreBusyError):
    """The database's disk is full; the same step may succeed once there is room again."""


class InvalidInputError(HexaSchedError):
    """What a person typed can't be taken; `fields` maps a field's name to what is wrong with it."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__("\n".join(f"{field}: {message}" for field, message in fields.items()))
        self.fields = fields


class GoneZoneError(HexaSchedError):
    """What was asked needs a time zone that the database of zones does not have; the status is that of wrong usage."""

    exit_status = 2


class SandboxError(HexaSchedError):
    """The sandbox can't be set up on this machine; the message has the cure."""


def is_full_disk(error: BaseException | None) -> bool:
    """Whether `error`, or one that it came from, says that there is no room on a disk."""
    while error is not None:
        if isinstance(error, StoreFullError):
            return True
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return True
        error = error.__cause__ or error.__context__
    return False
