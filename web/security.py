"""What guards every request: strict headers, CSRF tokens, the origin check, a request id."""

import re
import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, request
from flask_wtf import CSRFProtect

from hexasched.config import Config

MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_ADDRESS_CHARS = 4094
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

csrf = CSRFProtect()


def install(app: Flask, config: Config) -> None:
    """Guard all of `app`."""
    own = urlsplit(config.base_url)
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_BODY_BYTES,
        WTF_CSRF_TIME_LIMIT=None,  # a page may stay open all day
        WTF_CSRF_SSL_STRICT=False,  # _check_origin asks for more, and not only under TLS
        WTF_CSRF_METHODS=["POST", "PUT", "PATCH", "DELETE"],
        **cookie_settings(config),
    )
    if own.hostname:
        app.config["TRUSTED_HOSTS"] = [own.hostname, "localhost", "127.0.0.1", "[::1]"]
    app.before_request(_identify)
    app.before_request(_check_length)
    app.before_request(lambda: _check_origin(own.netloc))
    csrf.init_app(app)
    app.after_request(_add_headers)


def cookie_settings(config: Config) -> dict[str, object]:
    """Flask's settings of the session cookie; under https it is bound to exactly this host."""
    secure = config.base_url.startswith("https://")
    return {
        "SESSION_COOKIE_NAME": "__Host-hexasched" if secure else "hexasched",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": secure,
        "SESSION_COOKIE_PATH": "/",
    }


def nonce() -> str:
    """This page's nonce for style elements; only the editor's script uses it."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    return str(g.nonce)


def request_id() -> str:
    """What names this request in our log and on error pages."""
    return str(g.get("request_id", "-"))


def _identify() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def _check_length() -> None:
    if len(request.full_path) > MAX_ADDRESS_CHARS:
        abort(414)


def _check_origin(own: str) -> None:
    """Refuse a request that changes something and that another site's page made."""
    if request.method in _SAFE_METHODS:
        return
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        abort(400, "This request came from another site's page.")
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc not in {request.host, own} - {""}:
        abort(400, "This request came from another site's page.")


def _policy() -> str:
    return "; ".join((
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' 'nonce-{nonce()}'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ))  # fmt: skip


def _add_headers(response: Response) -> Response:
    headers = response.headers
    headers["X-Request-Id"] = request_id()
    headers["Content-Security-Policy"] = _policy()
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if request.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    headers.setdefault("Cache-Control", "no-store")
    return response
