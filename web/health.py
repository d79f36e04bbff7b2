"""For monitors: /healthz says that this process answers, /readyz that the whole service works."""

from flask import Blueprint, Response, jsonify

from hexasched import logs
from web.access import public_before_setup
from web.instance import config, database, now
from web.system import disk_trouble
from web.system import health as look

health = Blueprint("health", __name__)


@health.get("/healthz")
@public_before_setup
def alive() -> Response:
    """200 as long as this process answers."""
    return jsonify(status="ok")


@health.get("/readyz")
@public_before_setup
def ready() -> tuple[Response, int]:
    """200 if database, scheduler, a worker and room on the disk are there; else 503 with the names of what is not."""
    full = disk_trouble(config().data_dir)
    failing = [*_failing(), *(["disk"] if full else [])]
    if not failing:
        return jsonify(status="ready"), 200
    return jsonify(status="not ready", failing=failing, **({"disk": full} if full else {})), 503


def _failing() -> list[str]:
    try:
        with database().reading() as connection:
            return look(connection, now()).failing
    except Exception:  # noqa: BLE001 - whatever keeps the database from answering is the finding
        logs.failure("readyz.database")
        return ["database"]
