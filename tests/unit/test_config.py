"""The configuration: complete in the example, all mistakes at once, the environment wins."""

import re
from pathlib import Path

import pytest

from hexasched.config import Config
from hexasched.config_loader import environment_names, load
from hexasched.domain.limits import UNITS
from hexasched.errors import ConfigError

HERE = Path("/nowhere/data")
EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


def test_it_has_an_example_with_every_key_and_its_default() -> None:
    text = EXAMPLE.read_text()
    assert load(text, {}, HERE) == Config(data_dir=Path("/var/lib/hexasched"))
    section, seen = "", set()
    for line in text.splitlines():
        if found := re.fullmatch(r"\[(\w+)\]", line):
            section = f"{found[1]}_"
        elif found := re.match(r"(\w+) = ", line):
            seen.add(f"HEXASCHED_{section}{found[1]}".upper())
    assert seen == set(environment_names())


def test_it_reports_all_mistakes_at_once_with_the_name_of_the_key() -> None:
    lines = ["prot = 1", "port = 70000", "host = 3", "[mail]", 'security = "ssl"', "port = true"]
    text = "\n".join([*lines, "[workers]", 'count = "two"', "[sandbox]", "loopback_ports = [99999]"])
    with pytest.raises(ConfigError) as caught:
        load(text, {"HEXASCHED_PROT": "1"}, HERE)
    found = "\n".join(caught.value.mistakes)
    assert len(caught.value.mistakes) == 8
    assert "prot is not a setting; did you mean port" in found
    assert "HEXASCHED_PROT is not a setting; did you mean HEXASCHED_PORT" in found
    for key in ("port must be from 1 to 65535; it is 70000", "host must be a text", "mail.security must be one of"):
        assert key in found
    for key in ("mail.port must be a whole number", "workers.count", "sandbox.loopback_ports must be a list of port"):
        assert key in found


def test_it_lets_the_environment_win() -> None:
    environ = {
        "HEXASCHED_PORT": "9999",
        "HEXASCHED_DATA_DIR": "/elsewhere",
        "HEXASCHED_SANDBOX_LOOPBACK_PORTS": "25,587",
        "HEXASCHED_SANDBOX_BLOCK_PRIVATE": "true",
    }
    config = load("port = 1\ndata_dir = '/here'", environ, HERE)
    assert (config.port, config.data_dir) == (9999, Path("/elsewhere"))
    assert (config.sandbox.loopback_ports, config.sandbox.block_private) == ((25, 587), True)


@pytest.mark.parametrize("url", ["ftp://example.org", "example.org/x", "http:///x", "https://[::1", "http://a:0/"])
def test_it_refuses_a_ping_that_is_no_web_address_without_repeating_it(url: str) -> None:
    with pytest.raises(
        ConfigError, match=r"ping\.url must be an address that begins with http:// or https://"
    ) as caught:
        load("", {"HEXASCHED_PING_URL": url}, HERE)
    assert url not in str(caught.value)


def test_history_is_kept_for_forty_days_at_least() -> None:
    with pytest.raises(ConfigError, match=r"history\.days must be from 40"):
        load("[history]\ndays = 39", {}, HERE)
    assert load("[ping]\nurl = 'http://10.0.0.7:8000/ping/1'", {}, HERE).ping.url.startswith("http://10.")


@pytest.mark.parametrize("value", ["maybe", "", "TRUE!"])
def test_it_refuses_a_switch_that_is_neither_on_nor_off(value: str) -> None:
    with pytest.raises(ConfigError, match=r"sandbox\.block_private must be true or false"):
        load("", {"HEXASCHED_SANDBOX_BLOCK_PRIVATE": value}, HERE)


def test_it_never_shows_a_password_in_a_mistake_or_a_repr() -> None:
    with pytest.raises(ConfigError) as caught:
        load("[mail]\npassword = 12345678", {}, HERE)
    assert "12345678" not in str(caught.value)
    config = load('database_url = "postgresql://u:hunter22@h/d"\n[mail]\npassword = "hunter22"', {}, HERE)
    assert "hunter22" not in repr(config)


def test_it_says_what_is_not_toml() -> None:
    with pytest.raises(ConfigError, match="not valid TOML"):
        load("port = ", {}, HERE)


def test_its_ceilings_are_what_functions_may_ask_for() -> None:
    lines = [f"max_{name} = {number}" for number, name in enumerate(UNITS, start=200)]
    ceiling = load("\n".join(["[limits]", *lines]), {}, HERE).ceiling
    assert [getattr(ceiling, name) for name in UNITS] == list(range(200, 200 + len(UNITS)))
