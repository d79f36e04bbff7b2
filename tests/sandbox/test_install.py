"""npm as a job, with a registry on the machine's loopback."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hexasched.domain.limits import Limits
from hexasched.domain.outcomes import Outcome, Reason, Status
from sandbox.install import failure, npmrc
from sandbox.jobs import Job, SandboxSettings
from tests.sandbox.harness import Worker, runtime
from tests.sandbox.own_host import worker_on_own_host

REGISTRY = "http://127.0.0.1:4873/"
BOAT = {"package.json": json.dumps({"dependencies": {"boat": "^1"}})}
WIDE = Limits(timeout_s=60, memory_mb=1024)


@pytest.fixture(scope="module")
def installer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A worker whose npm uses the registry of its own machine."""
    folder = tmp_path_factory.mktemp("host")
    with worker_on_own_host(folder, loopback_ports=(4873,), npm_config={"registry": REGISTRY}) as worker:
        yield worker


def writable(worker: Worker, files: dict[str, str]) -> Path:
    """A folder that the worker's user can write."""
    folder = worker.write(files)
    folder.chmod(0o777)
    return folder


def install(worker: Worker, folder: Path, runtime_name: str = "node24") -> tuple[Job, Outcome]:
    """Install into the folder."""
    job = worker.submit(folder, mode="install", network="outbound", limits=WIDE, runtime=runtime(runtime_name))
    return job, worker.end_of(job, deadline_s=60)


@pytest.mark.parametrize("runtime_name", ["node24", "node18"])
def test_packages_are_installed_and_can_be_used(installer: Worker, runtime_name: str) -> None:
    folder = writable(installer, BOAT)
    job, outcome = install(installer, folder, runtime_name)
    assert (outcome.status, outcome.reason) == (Status.SUCCEEDED, Reason.OK), outcome.error
    assert "added 1 package" in installer.text(job)
    modules = str(folder / "node_modules")
    used = installer.run("import boat from 'boat'\nexport default () => boat", modules_dir=modules)
    assert used.result == '"a boat"'


def test_no_script_of_a_package_runs(installer: Worker) -> None:
    folder = writable(installer, BOAT)
    assert install(installer, folder)[1].status is Status.SUCCEEDED
    assert not (folder / "script-ran").exists()


def test_with_a_lock_exactly_the_locked_is_installed(installer: Worker) -> None:
    folder = writable(installer, BOAT)
    install(installer, folder)
    lock = json.loads((folder / "package-lock.json").read_text())
    same = writable(installer, {**BOAT, "package-lock.json": json.dumps(lock)})
    assert install(installer, same)[1].status is Status.SUCCEEDED
    lock["packages"]["node_modules/boat"]["integrity"] = "sha512-" + "A" * 86 + "=="
    other = writable(installer, {**BOAT, "package-lock.json": json.dumps(lock)})
    outcome = install(installer, other)[1]
    assert (outcome.status, outcome.reason) == (Status.FAILED, Reason.EXIT)
    assert outcome.error
    assert outcome.error.code == "EINTEGRITY"


def test_a_package_that_does_not_exist_is_named(installer: Worker) -> None:
    folder = writable(installer, {"package.json": json.dumps({"dependencies": {"submarine": "1.0.0"}})})
    outcome = install(installer, folder)[1]
    assert outcome.error
    assert (outcome.status, outcome.error.code) == (Status.FAILED, "E404")
    assert "submarine" in outcome.error.message
    assert outcome.error.hint
    assert "does not exist" in outcome.error.hint


@pytest.mark.parametrize(("online", "code"), [(True, "ECONNREFUSED"), (False, "EAI_AGAIN")])
def test_a_wrong_registry_is_said_within_seconds(tmp_path: Path, online: bool, code: str) -> None:
    registry = {"registry": "http://localhost:9/" if online else "http://registry.example.test/"}
    with worker_on_own_host(tmp_path, online=online, npm_config=registry) as worker:
        _, outcome = install(worker, writable(worker, BOAT))
        assert outcome.status is Status.FAILED
        assert outcome.duration_ms < 10_000
        assert outcome.error
        assert outcome.error.code == code
        assert outcome.error.hint
        assert "npm setting registry" in outcome.error.hint


def test_without_a_sandbox_it_installs_too(tmp_path: Path) -> None:
    with worker_on_own_host(tmp_path, mode="none", npm_config={"registry": REGISTRY}) as worker:
        folder = writable(worker, BOAT)
        assert install(worker, folder)[1].status is Status.SUCCEEDED
        modules = str(folder / "node_modules")
        used = worker.run("import boat from 'boat'\nexport default () => boat", modules_dir=modules)
        assert used.result == '"a boat"'


def test_the_settings_of_the_instance_become_an_npmrc() -> None:
    settings = SandboxSettings(
        mode="bubblewrap",
        state_dir="/",
        ca_file="/etc/ours.pem",
        npm_config={"registry": REGISTRY, "cafile": "/etc/theirs.pem", "https-proxy": "http://proxy:3128"},
    )
    lines = npmrc(settings, "/opt/ca.pem").decode().splitlines()
    assert lines == [f"registry={REGISTRY}", "https-proxy=http://proxy:3128", "cafile=/opt/ca.pem"]


def test_a_setting_can_not_smuggle_in_another() -> None:
    settings = SandboxSettings(mode="bubblewrap", state_dir="/", npm_config={"registry": "x\nignore-scripts=false"})
    with pytest.raises(ValueError, match="line break"):
        npmrc(settings, None)


def test_npms_words_are_cut_to_what_tells_something() -> None:
    said = """npm error code E404
npm error 404 Not Found - GET http://127.0.0.1:4873/submarine - Not found
npm error 404
npm error 404 Note that you can also install from a
npm error 404 tarball, folder, http url, or git url.
npm error A complete log of this run can be found in: /tmp/.npm/_logs/2026-11-23T09_11_26_718Z-debug-0.log
"""
    error = failure(said, 1)
    assert (error.code, error.message) == ("E404", "Not Found - GET http://127.0.0.1:4873/submarine - Not found")
    assert failure("", 7).message == "npm ended with exit code 7."
