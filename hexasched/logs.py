"""Our own log: one line an event on stderr; what user code prints never goes here."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

_logger = logging.getLogger("hexasched")


class _LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """`2026-11-23T09:00:00.123Z info worker run.finished run_id=7`."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = f"{at} {record.levelname.lower()} {record.name} {_one_line(record.getMessage())}"
        for key, value in getattr(record, "fields", {}).items():
            line += f" {key}={_one_line(value)}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def _one_line(value: object) -> str:
    # A quoted form for everything that could break a line or forge a field.
    text = str(value)
    return text if text.isprintable() and '"' not in text and len(text) < 500 else json.dumps(text[:2000])


def set_up(process: str, level: int = logging.INFO) -> None:
    """Send this process's log to stderr under the name `process`."""
    global _logger  # noqa: PLW0603 - the process's name is known only once it starts
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LineFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    _logger = logging.getLogger(process)
    _logger.setLevel(level)


def event(name: str, /, **fields: Any) -> None:
    """Log that something happened; dotted name, ids as fields, never a secret."""
    _logger.info(name, extra={"fields": fields})


def warning(name: str, /, **fields: Any) -> None:
    """Log that something needs a person's eye but work goes on."""
    _logger.warning(name, extra={"fields": fields})


def failure(name: str, /, **fields: Any) -> None:
    """Log our own failure with the traceback of the exception being handled."""
    _logger.error(name, exc_info=True, extra={"fields": fields})
