"""What people hand in: accepted as meant, or refused with a message that says what and where."""

import json

import pytest

from hexasched.domain.functions import check_env, check_env_name, check_name
from hexasched.domain.inputs import check_email, check_source, read_dependencies, read_event, read_limits
from hexasched.domain.limits import CEILING, MAX_EVENT_BYTES, UNITS, Limits


@pytest.mark.parametrize("name", ["a", "daily-summary-email", "a1", "x" * 63])
def test_it_takes_a_name(name: str) -> None:
    assert check_name(name) is None


@pytest.mark.parametrize("name", ["", "A", "1a", "-a", "a-", "a b", "a_b", "ä", "x" * 64, "a\n", "../a", "a.b"])
def test_it_refuses_a_name(name: str) -> None:
    assert check_name(name)


@pytest.mark.parametrize("name", ["A", "_x", "SMTP_HOST", "a1", "PATHS", "HOMEPAGE"])
def test_it_takes_a_variable_name(name: str) -> None:
    assert check_env_name(name) is None


@pytest.mark.parametrize(
    "name", ["", "1A", "A-B", "A B", "PATH", "path", "NODE_OPTIONS", "LD_PRELOAD", "HEXASCHED_X", "Ä", "A\n", "A" * 129]
)
def test_it_refuses_a_variable_name(name: str) -> None:
    assert check_env_name(name)


def test_it_counts_the_whole_environment() -> None:
    assert check_env({f"V{n}": "x" for n in range(128)}) == []
    assert "at most 128 variables" in check_env({f"V{n}": "x" for n in range(129)})[0]
    assert "longer than 32 KB" in check_env({"V": "x" * 33_000})[0]
    assert "over 128 KB" in check_env({f"V{n}": "x" * 32_000 for n in range(5)})[0]
    assert "NUL" in check_env({"V": "a\0b"})[0]
    assert len(check_env({"PATH": "", "1": "", "OK": "fine"})) == 2, "all mistakes at once"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", {}),
        ("{}", {}),
        ('{"nodemailer": "^7.0.0"}', {"nodemailer": "^7.0.0"}),
        ('{"dependencies": {"@scope/a": "1.x || >=2 <3"}, "scripts": {}}', {"@scope/a": "1.x || >=2 <3"}),
        ('{"name": "x", "private": true}', {}),
    ],
)
def test_it_reads_packages(text: str, wanted: dict[str, str]) -> None:
    assert read_dependencies(text) == (wanted, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON: line 1"),
        ("[" * 100_000, "not JSON"),
        ("[]", "Write the packages as"),
        ('{"a": 1}', "The version of a"),
        ('{"a": "http://evil.example/x.tgz"}', "addresses are not possible"),
        ('{"a": "git+ssh://x"}', "The version of a"),
        ('{"a": "file:../x"}', "The version of a"),
        ('{"../a": "1"}', "not the name of an npm package"),
        ('{"--evil": "1", "A B": "1"}', "not the name of an npm package"),
        (json.dumps({f"p{n}": "1" for n in range(101)}), "at most 100 packages"),
    ],
)
def test_it_refuses_packages(text: str, words: str) -> None:
    assert words in (read_dependencies(text)[1] or "")


@pytest.mark.parametrize("text", ["", "{}", "[1]", '"a"', "null", ' {"a": [1, "}{"]} ', "[" * 100 + "]" * 100])
def test_it_reads_an_event(text: str) -> None:
    found, wrong = read_event(text)
    assert wrong is None
    assert json.loads(found) == json.loads(text or "{}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "line 1, column 2"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ("Infinity", "Infinity is not"),
        ("[" * 101 + "]" * 101, "deeper than 100 levels"),
        ("[" * 200_000, "deeper than 100 levels"),
        ('"' + "x" * MAX_EVENT_BYTES + '"', "at most 262,144"),
        ("1" * 5000, "The event is not JSON"),
    ],
    ids=lambda value: value[:20],
)
def test_it_refuses_an_event(text: str, words: str) -> None:
    assert words in (read_event(text)[1] or "")


def test_it_refuses_code_that_can_not_be_a_function() -> None:
    assert check_source("export default 1", "index.js") is None
    assert "Write the function's code" in (check_source(" \n", "index.js") or "")
    assert "at most 1,048,576" in (check_source("x" * 1_048_577, "index.js") or "")
    assert "NUL" in (check_source("a\0", "index.js") or "")
    assert "The file must be one of" in (check_source("x", "../../etc/passwd") or "")


def test_it_keeps_limits_between_floor_and_ceiling() -> None:
    limits, wrong = read_limits(
        {"memory_mb": " 512 ", "open_files": "1024"}, {"child_processes": True}, ceiling=CEILING
    )
    assert (limits, wrong) == (Limits(memory_mb=512, open_files=1024, child_processes=True), {})
    typed = {"timeout_s": "0", "memory_mb": "1e9", "processes": "٣", "scratch_mb": "-5", "scratch_files": "99"}
    _, wrong = read_limits(typed, {}, ceiling=CEILING)
    assert set(wrong) == set(typed)
    assert wrong["timeout_s"] == "Write a whole number of seconds from 1 to 900; you wrote “0”."
    assert "of MB from 96 to 2048" in wrong["memory_mb"]
    assert "of files from 100 to 100000" in wrong["scratch_files"]


@pytest.mark.parametrize("name", UNITS)
def test_it_names_the_setting_that_a_limit_is_over(name: str) -> None:
    _, wrong = read_limits({name: "9" * 5000}, {}, ceiling=CEILING)
    assert f"The operator can allow more: limits.max_{name} in" in wrong[name]


@pytest.mark.parametrize("text", ["", "a", "a@", "@b", "a b@c", "a@b\nBcc: c@d", "a@b, c@d", "<a@b>", "a@" + "b" * 300])
def test_it_refuses_an_address_that_is_none(text: str) -> None:
    assert check_email(text)


def test_it_takes_an_address() -> None:
    assert check_email("owner@example.org") is None
