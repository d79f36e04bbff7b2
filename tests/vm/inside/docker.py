"""The container: the image built from the Dockerfile, then a function deployed and run in each of its tiers."""

import json
from pathlib import Path

from tests.vm.inside.functions import SOURCES
from tests.vm.inside.shell import sh, until
from tests.vm.inside.story import PASSWORD, page
from tests.vm.inside.tap import NotSoError, check, expect, note, title

PAYLOAD = Path("/payload")
OFFLINE = {
    "BASE": "hexasched-base",
    "WHAT": "hexasched[postgres]",
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": "/src/wheels",
}
FULL = (
    f"--security-opt=seccomp={PAYLOAD}/deploy/docker/seccomp.json",
    "--security-opt=systempaths=unconfined",
    "--security-opt=apparmor=unconfined",
    "--device=/dev/net/tun",
    "--env=HEXASCHED_SANDBOX_NETWORK=pasta",
)


def docker() -> None:
    """Leaves nothing running."""
    title("docker")
    check("Docker starts", lambda: sh("systemctl", "start", "docker", deadline_s=600))
    check("the base image is imported", lambda: sh("docker", "import", str(PAYLOAD / "base.tar"), "hexasched-base"))
    check("the image is built from the Dockerfile without a network", _build)
    _try_tier("default", "landlock", ())
    _try_tier("full", "bubblewrap", FULL)


def _build() -> str:
    arguments = [part for name, value in OFFLINE.items() for part in ("--build-arg", f"{name}={value}")]
    command = ["docker", "build", "--quiet", "--network=none", "--tag=hexasched", *arguments]
    sh(*command, str(PAYLOAD / "context"), deadline_s=3000)
    return sh("docker", "images", "--format", "{{.Repository}} {{.Size}}")


def _try_tier(tier: str, sandbox: str, flags: tuple[str, ...]) -> None:
    title(f"docker run {' '.join((*flags, '-p 8080:8080 -v hexasched:/data hexasched'))}")
    check(f"{tier}: the container starts and is ready", lambda: _start(tier, flags))
    check(f"{tier}: doctor finds what it needs", lambda: _inside(tier, "doctor"))
    check(f"{tier}: nothing but the container's first moments ran as root", lambda: _no_root(tier))
    check(f"{tier}: its sandbox is {sandbox}", lambda: expect(_ready() == [sandbox], _ready()))
    check(f"{tier}: a function is deployed and runs", lambda: _runs(tier))
    check(f"{tier}: docker stop ends it in order", lambda: _stop(tier))


def _start(tier: str, flags: tuple[str, ...]) -> None:
    volume = ["--volume", f"{tier}:/data", "--publish", "8080:8080", "--stop-timeout", "120"]
    sh("docker", "run", "--detach", "--name", tier, *volume, *flags, "hexasched")
    probe = ["docker", "inspect", "--format", "{{.State.Running}} {{.State.Health.Status}}", tier]
    state = until("healthy, or ended", lambda: _settled(sh(*probe)), deadline_s=600)
    if state != "true healthy":
        raise NotSoError(f"{state}\n{sh('docker', 'logs', tier)}")


def _ready() -> object:
    return json.loads(page("/readyz")).get("sandbox")


def _settled(state: str) -> str | None:
    return state.strip() if state.startswith("false") or "healthy" in state.split() else None


def _inside(tier: str, *arguments: str, given: str = "") -> str:
    return sh("docker", "exec", "--interactive", tier, "hexasched", *arguments, given=given, deadline_s=240)


def _no_root(tier: str) -> str:
    users = sh("docker", "top", tier, "-eo", "user,args").splitlines()[1:]
    expect(users and not any(line.startswith("root ") for line in users), "\n".join(users))
    return "\n".join(users)


def _runs(tier: str) -> None:
    _inside(tier, *("user", "create", "--email", "owner@example.org", "--password-stdin"), given=f"{PASSWORD}\n")
    file = "/tmp/hello.mjs"
    sh("docker", "exec", "--interactive", tier, "tee", file, given=SOURCES["hello"])
    note(_inside(tier, "function", "deploy", "hello", "--file", file))
    said = _inside(tier, "function", "run", "hello", "--event", '{"name": "you"}', "--wait", "--json")
    run = json.loads(said)
    expect((run["status"], run["result"]) == ("succeeded", {"hello": "you"}), run)


def _stop(tier: str) -> None:
    sh("docker", "stop", tier, deadline_s=180)
    code = sh("docker", "inspect", "--format", "{{.State.ExitCode}}", tier).strip()
    expect(code == "0", f"exit code {code}\n{sh('docker', 'logs', '--tail', '30', tier)}")
    sh("docker", "rm", tier)
