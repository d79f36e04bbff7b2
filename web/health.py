"""For monitors: /healthz says that this process answers, /readyz that the whole service works."""

from flask import Blueprint, Response, jsonify

from hexasched import logs
from hexasched.store.health import disk_trouble, look
from web.access import public_before_setup
from web.instance import config, database, now

health = Blueprint("health", __name__)


@health.get("/healthz")
@public_before_setup
def alive() -> Response:
    """200 as long as this process answers."""
    return jsonify(status="ok")


@health.get("/readyz")
@public_before_setup
def ready() -> tuple[Response, int]:
    """200 if nothing is broken; else 503 with the names of what is ("failing"), each with a sentence in "reasons".

    The names: database, scheduler, worker, cron_job (an active one has no next run), overdue (work that could go on
    waits), disk. `sandbox` has the names of the tiers that the workers' sandboxes are of.
    """
    full = disk_trouble(config().data_dir)
    facts: dict[str, object] = {}
    try:
        with database().reading() as connection:
            found = look(connection, now())
    except Exception:  # noqa: BLE001 - whatever keeps the database from answering is the finding
        logs.failure("readyz.database")
        reasons = {"database": "The database does not answer."}
    else:
        reasons, facts["sandbox"] = found.troubles, [tier.name for tier in found.tiers]
    if full:
        reasons["disk"] = full
    if reasons:
        return jsonify(status="not ready", failing=list(reasons), reasons=reasons, **facts), 503
    return jsonify(status="ready", **facts), 200
