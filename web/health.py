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
    """200 if database, scheduler, a worker and room on the disk are there; else 503 with the names of what is not.

    `sandbox` has the names of the tiers that the workers' sandboxes are of.
    """
    full = disk_trouble(config().data_dir)
    facts: dict[str, object] = {}
    try:
        with database().reading() as connection:
            found = look(connection, now())
    except Exception:  # noqa: BLE001 - whatever keeps the database from answering is the finding
        logs.failure("readyz.database")
        failing = ["database"]
    else:
        failing, facts["sandbox"] = found.failing, [tier.name for tier in found.tiers]
    if full:
        failing, facts["disk"] = [*failing, "disk"], full
    if failing:
        return jsonify(status="not ready", failing=failing, **facts), 503
    return jsonify(status="ready", **facts), 200
