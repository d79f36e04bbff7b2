"""The group `cronjob` with all its commands."""

from hexasched.cli.cronjob import cronjob
from hexasched.cli.cronjob_backfill import backfill
from hexasched.cli.cronjob_blackout import blackout
from hexasched.cli.cronjob_state import pause, resume
from hexasched.cli.cronjob_why import why

for command in (pause, resume, why, backfill, blackout):
    cronjob.add_command(command)

__all__ = ["cronjob"]
