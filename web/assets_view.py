"""Serves the built files of the browser: hashed names, kept for ever, compressed ahead of time."""

import json
from collections.abc import Callable
from pathlib import Path

from flask import Blueprint, Response, abort, request, send_from_directory, url_for

from hexasched.errors import HexaSchedError
from web.access import public_before_setup

DIST = Path(__file__).parent / "static" / "dist"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}

assets = Blueprint("assets", __name__)


def load_manifest(dist: Path = DIST) -> dict[str, str]:
    """Source name to built name, as the build wrote it. Raises HexaSchedError if nothing is built."""
    try:
        manifest: dict[str, str] = json.loads((dist / "manifest.json").read_text())
    except OSError:
        raise HexaSchedError("The dashboard's files are not built. Run: python tools/build_assets.py") from None
    return manifest


def asset_urls() -> Callable[[str], str]:
    """What templates call to get the address of a built file: `asset("app.js")`."""
    manifest = load_manifest()
    return lambda name: url_for("assets.file", name=manifest[name])


@assets.get("/static/<name>")
@public_before_setup
def file(name: str) -> Response:
    """One built file, in the best encoding that the browser takes."""
    kind = _TYPES.get(Path(name).suffix)
    if kind is None:
        abort(404)
    served, encoding = _best_copy(name)
    response = send_from_directory(DIST, served, mimetype=kind, conditional=True)
    if encoding:
        response.headers["Content-Encoding"] = encoding
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def _best_copy(name: str) -> tuple[str, str | None]:
    for suffix, encoding in ((".br", "br"), (".gz", "gzip")):
        if request.accept_encodings.quality(encoding) > 0 and (DIST / (name + suffix)).is_file():
            return name + suffix, encoding
    return name, None
