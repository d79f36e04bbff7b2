"""For monitors: /healthz says that this process answers, /readyz that the whole service works."""

from flask import Blueprint, Response, jsonify

from hexasched import logs
from web.access import public_before_setup
from web.instance import database, now
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
    """200 if database, scheduler and a worker are there; else 503 with the names of those that are not.

    `sandbox` has the names of the tiers that the workers' sandboxes are of.
    """
    try:
        with database().reading() as connection:
            found = look(connection, now())
    except Exception:  # noqa: BLE001 - whatever keeps the database from answering is the finding
        logs.failure("readyz.database")
        return jsonify(status="not ready", failing=["database"]), 503
    sandbox = [tier.name for tier in found.tiers]
    if found.failing:
        return jsonify(status="not ready", failing=found.failing, sandbox=sandbox), 503
    return jsonify(status="ready", sandbox=sandbox), 200
