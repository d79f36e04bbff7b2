"""Runs npm as a job: its settings, its arguments, and what it says when it fails."""

import re
from pathlib import Path

from hexasched.domain.limits import KIB
from hexasched.domain.outcomes import ErrorDetail
from sandbox.jobs import Job, SandboxSettings

MAX_MESSAGE_BYTES = 8 * KIB
# "npm error code E404" (npm 10 and later), "npm ERR! code E404" (before).
_ERROR_LINE = re.compile(r"^npm (?:error|ERR!) ?(.*)$", re.MULTILINE)
_NOISE = re.compile(r"^(?:code|errno|syscall) |log of this run|_logs/|Log files|you can also install|tarball, folder")
_LABEL = re.compile(r"^(?:404|network|notarget|ERESOLVE)(?: |$)")
_REGISTRY = "Check the npm setting registry, and the proxy if there is one."
_HINTS = {
    "ENOTFOUND": f"The registry's name can't be resolved. {_REGISTRY}",
    "EAI_AGAIN": f"The registry's name can't be resolved. {_REGISTRY}",
    "ECONNREFUSED": f"Nothing answers at the registry's address. {_REGISTRY}",
    "ETIMEDOUT": f"The registry does not answer. {_REGISTRY}",
    "ERR_SOCKET_TIMEOUT": f"The registry does not answer. {_REGISTRY}",
    "E404": "The package or this version of it does not exist. Check its name in package.json.",
    "ETARGET": "The package has no version that fits. Check the version in package.json.",
    "ERESOLVE": "Two packages ask for versions that don't go together. Change one of the versions in package.json.",
    "EUSAGE": "package-lock.json does not fit package.json. Install again without the lock.",
    "EINTEGRITY": "The registry has other contents under this version than package-lock.json names.",
    "SELF_SIGNED_CERT_IN_CHAIN": "The registry's certificate is not trusted. Name its authority in ca_file.",
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY": "The registry's certificate is not trusted. Name its authority in ca_file.",
    "ENOSPC": "The packages are larger than the space for an install.",
}


def npmrc(settings: SandboxSettings, ca_file: str | None) -> bytes:
    """The .npmrc of an install: the instance's npm settings, with the certificates at `ca_file`.

    Raises ValueError if a setting has a line break, which would be a setting of its own.
    """
    chosen = {name: value for name, value in settings.npm_config.items() if name != "cafile"}
    if settings.ca_file and ca_file:
        chosen["cafile"] = ca_file
    for name, value in chosen.items():
        if "\n" in name + value or "\r" in name + value:
            raise ValueError(f"The npm setting {name!r} has a line break.")
    return "".join(f"{name}={value}\n" for name, value in chosen.items()).encode()


def environment(ca_file: str | None) -> dict[str, str]:
    """What npm needs in its environment besides the usual."""
    return {"NODE_EXTRA_CA_CERTS": ca_file} if ca_file else {}


def arguments(job: Job, userconfig: str) -> list[str]:
    """npm's arguments: the locked versions if there is a lock, else the newest that fit.

    No script of a package runs. A registry that does not answer is given up after at most a minute.
    """
    locked = (Path(job.code_dir) / "package-lock.json").exists()
    return [
        "ci" if locked else "install",
        *("--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", "--no-progress", "--no-color"),
        *("--no-update-notifier", "--userconfig", userconfig),
        *("--fetch-retries=1", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=2000"),
        "--fetch-timeout=30000",
    ]


def failure(said: str, exit_code: int) -> ErrorDetail:
    """What npm said on standard error, without what is of no use to the author of a function."""
    lines = _ERROR_LINE.findall(said)
    code = next((line.removeprefix("code ") for line in lines if line.startswith("code ")), None)
    telling = [_LABEL.sub("", line).strip() for line in lines if not _NOISE.search(line)]
    message = "\n".join(line for line in telling if line)
    return ErrorDetail(
        type="NpmError",
        message=message[:MAX_MESSAGE_BYTES] or f"npm ended with exit code {exit_code}.",
        code=code,
        hint=_HINTS.get(code or ""),
    )
