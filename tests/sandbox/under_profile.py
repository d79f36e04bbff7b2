"""Puts the container's system call profile over itself and becomes the command of its arguments, as runc does."""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path

import pyseccomp as seccomp

PROFILE = Path(__file__).resolve().parents[2] / "deploy" / "docker" / "seccomp.json"


def main() -> None:
    """argv: the command, by its path."""
    whole = seccomp.SyscallFilter(seccomp.ALLOW)
    for rule in json.loads(PROFILE.read_text())["syscalls"]:
        conditions = [seccomp.Arg(one["index"], seccomp.EQ, one["value"]) for one in rule.get("args", [])]
        for name in rule["names"]:
            with suppress(RuntimeError, ValueError, OSError):  # this architecture has no such call
                whole.add_rule(seccomp.ERRNO(rule["errnoRet"]), name, *conditions)
    whole.load()
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
