"""Numbers and words in addresses: only what can be a row's id, only what is known."""

from flask import request, url_for

ID = "int(max=9007199254740991)"
"""The converter of an id in a route: f"/runs/<{ID}:run_id>"."""


def id_of(text: str | None) -> int | None:
    """The id that a query or form names, or None if it names none."""
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > 15:
        return None
    return int(text)


def here(**changes: str | int | None) -> str:
    """This page's address with some of its query changed; None takes a word out."""
    query = {**request.args.to_dict(), **changes}
    kept = {name: value for name, value in query.items() if value not in (None, "")}
    assert request.endpoint is not None
    return url_for(request.endpoint, **{**(request.view_args or {}), **kept})


def function_url(name: str) -> str:
    """The address of a function's pages; of the list of functions for an empty name."""
    return f"{request.script_root}/functions" + (f"/{name}" if name else "")
