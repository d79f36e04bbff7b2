"""What every answer carries, and what is refused before a view sees it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from hexasched.config import Config
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import Place

TEMPLATES = Path(__file__).parents[2] / "web" / "templates"


def test_it_sends_the_strict_policy_with_every_kind_of_answer(logged_in: Callable[[str], Browser]) -> None:
    owner = logged_in("owner")
    for path in ("/", "/login", "/no-such-page", "/static/no-such.js", "/logout"):
        headers = owner.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert re.fullmatch(
            r"default-src 'none'; script-src 'self'; style-src 'self' 'nonce-[\w-]{22}'; img-src 'self' data:; "
            r"connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
            policy,
        )
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert "Strict-Transport-Security" not in headers


def test_it_uses_another_nonce_for_every_page_and_tells_the_editor(stranger: Browser) -> None:
    nonces = set()
    for _ in range(3):
        answer = stranger.get("/login")
        found = re.search(r"'nonce-([\w-]+)'", answer.headers["Content-Security-Policy"])
        assert found and f'<meta name="csp-nonce" content="{found[1]}">' in answer.text
        nonces.add(found[1])
    assert len(nonces) == 3


def test_no_template_has_what_the_policy_forbids() -> None:
    comments = re.compile(r"\{#.*?#\}", re.DOTALL)
    forbidden = re.compile(r"""\sstyle\s*=|\son[a-z]+\s*=\s*["']|hx-on|js:|javascript:|<style|<script(?![^>]*\ssrc=)""")
    files = list(TEMPLATES.rglob("*.html"))
    assert len(files) > 10
    assert [
        (file.name, found[0]) for file in files for found in forbidden.finditer(comments.sub("", file.read_text()))
    ] == []


def test_no_template_lets_text_be_html() -> None:
    unsafe = [
        (file.name, line.strip())
        for file in TEMPLATES.rglob("*.html")
        for line in file.read_text().splitlines()
        if re.search(r"\|\s*safe\b|autoescape\s+false", line)
    ]
    assert [name for name, _ in unsafe] == ["_icons.html"], unsafe


@pytest.mark.parametrize("cookie", ["hexasched", "hexasched_device"])
def test_it_keeps_cookies_from_scripts_and_other_sites(stranger: Browser, cookie: str) -> None:
    set_cookies = stranger.log_in("owner@example.org").headers.getlist("Set-Cookie")
    found = next(header for header in set_cookies if header.startswith(cookie + "="))
    assert "HttpOnly" in found
    assert "SameSite=Lax" in found
    assert "Secure" not in found


def test_it_binds_cookies_to_https_where_that_is_its_address(place: Place, people: dict[str, int]) -> None:
    app = place.app(base_url="https://jobs.example.org", trusted_proxies=1)
    client = app.test_client()
    proxied = {"Host": "jobs.example.org", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "jobs.example.org"}
    page = client.get("/login", headers=proxied, base_url="https://jobs.example.org")
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
    token = re.search(r'csrf-token" content="([^"]+)', page.text)
    assert token
    form = {"csrf_token": token[1], "email": "owner@example.org", "password": PASSWORD}
    origin = {"Origin": "https://jobs.example.org"}
    answer = client.post("/login", data=form, headers=proxied | origin, base_url="https://jobs.example.org")
    assert answer.status_code == 303
    cookies = answer.headers.getlist("Set-Cookie")
    assert any(re.match(r"__Host-hexasched=.*; Secure; HttpOnly; Path=/; SameSite=Lax", cookie) for cookie in cookies)
    assert all("Secure" in cookie for cookie in cookies)


def test_it_answers_only_to_its_own_name_once_that_is_known(place: Place, people: dict[str, int]) -> None:
    client = place.app(base_url="https://jobs.example.org").test_client()
    assert client.get("/login", headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/login", headers={"Host": "jobs.example.org"}).status_code == 200
    assert client.get("/login", headers={"Host": "127.0.0.1:8080"}).status_code == 200


def test_it_does_not_believe_a_forwarded_address_of_a_stranger(place: Place, people: dict[str, int]) -> None:
    app = place.app()
    guesser = Browser(app, "192.0.2.1")
    for number in range(10):
        guesser.post(
            "/login", {"email": f"p{number}@example.org", "password": "wrong"}, X_Forwarded_For=f"198.51.100.{number}"
        )
    refused = guesser.post(
        "/login", {"email": "owner@example.org", "password": PASSWORD}, X_Forwarded_For="198.51.100.99"
    )
    assert refused.status_code == 429


def _posts(app: Flask) -> list[str]:
    urls = app.url_map.bind("localhost")
    return [
        urls.build(rule.endpoint, dict.fromkeys(rule.arguments, 1), method="POST")
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ())
    ]


def test_it_refuses_every_form_without_a_token(app: Flask, logged_in: Callable[[str], Browser]) -> None:
    owner = logged_in("owner")
    paths = _posts(app)
    assert len(paths) >= 4
    for path in paths:
        answer = owner.client.post(path, data={"x": "y"}, headers={"Accept": "text/html"})
        assert (path, answer.status_code) == (path, 400)
    assert owner.get("/").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Origin": "http://localhost:81"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_it_refuses_a_form_that_another_site_sends_even_with_the_token(
    logged_in: Callable[[str], Browser], headers: dict[str, str]
) -> None:
    owner = logged_in("owner")
    named = {name.replace("-", "_"): value for name, value in headers.items()}
    assert owner.post("/logout", **named).status_code == 400
    assert owner.get("/").status_code == 200


def test_it_takes_a_form_of_its_own_page(logged_in: Callable[[str], Browser]) -> None:
    answer = logged_in("owner").post("/logout", Origin="http://localhost", Sec_Fetch_Site="same-origin")
    assert answer.status_code == 303


def test_it_refuses_a_body_that_is_too_large(stranger: Browser) -> None:
    answer = stranger.post("/login", {"email": "x" * (2 * 1024 * 1024)})
    assert answer.status_code == 413
    assert "2 MB" in answer.text


@pytest.mark.parametrize(("given", "kept"), [("abc-123", True), ("a b", False), ("x" * 129, False), ('"<', False)])
def test_it_names_each_request(stranger: Browser, given: str, kept: bool) -> None:
    answer = stranger.get("/login", X_Request_Id=given)
    assert (answer.headers["X-Request-Id"] == given) is kept
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,128}", answer.headers["X-Request-Id"])


@pytest.mark.parametrize("name", ["../../../../etc/passwd", "..%2f..%2f__init__.py", "manifest.json", ".app.js"])
def test_it_serves_no_other_file(stranger: Browser, name: str) -> None:
    assert stranger.get(f"/static/{name}").status_code == 404


def test_a_configuration_without_address_makes_plain_cookies(tmp_path: Path) -> None:
    from web.security import cookie_settings

    assert cookie_settings(Config(data_dir=tmp_path))["SESSION_COOKIE_SECURE"] is False
