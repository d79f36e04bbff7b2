"""The page of what a function keeps between its runs: to look at, and to delete from."""

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from hexasched.domain.kept import MAX_KEY_CHARS
from hexasched.store import audit, kept_list
from web import function_frame
from web.access import require
from web.addresses import ID
from web.function_frame import standing
from web.instance import database, now

function_data = Blueprint("function_data", __name__)

MOST = 200


@function_data.get("/functions/<name>/data")
@require("viewer")
def page(name: str) -> str:
    """The newest keys; ?prefix= chooses those that begin so."""
    prefix = request.args.get("prefix", "")[:MAX_KEY_CHARS].replace("\0", "")
    with database().reading() as connection:
        place = standing(connection, name)
        listed, count = kept_list.listed(connection, place.function.id, prefix, now(), MOST)
    return function_frame.page("data.html", place, kept=listed, count=count, prefix=prefix)


@function_data.post(f"/functions/<name>/data/<{ID}:kept_id>/delete")
@require("developer")
def delete(name: str, kept_id: int) -> Response:
    """Forget one key."""
    with database().writing() as connection:
        function = standing(connection, name).function
        key = kept_list.forget(connection, function.id, kept_id)
        if key is not None:
            where = {"workspace_id": function.workspace_id, "by": current_user.id}
            audit.note(connection, "data.delete", name, now(), detail={"key": key}, **where)
    if key is None:
        flash("This key was gone already.", "info")
    else:
        flash(f"The key {key} is deleted.", "success")
    return redirect(url_for("function_data.page", name=name, prefix=request.form.get("prefix") or None), 303)
