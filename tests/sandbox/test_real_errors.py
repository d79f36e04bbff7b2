"""What users really meet: each error is provoked in the sandbox, and its hint says what to do.

A file in functions/errors begins with the reason that its run ends with, and with words of the hint.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hexasched.domain.outcomes import Outcome, Status
from sandbox.jobs import Job
from tests.sandbox.harness import Worker

ERRORS = sorted((Path(__file__).parent / "functions" / "errors").iterdir())
BESIDE = {"lib.cjs": "exports.send = () => 1", "later.mjs": "await 1; export default 1", "data.json": "{}"}
AT_A_TIME = 6  # each is a process

SERVES = """import https from 'node:https'
import { once } from 'node:events'
export default async ({ key, cert, trusted, name }) => {
    const server = https.createServer({ key, cert }, (_, answer) => answer.end()).listen(0)
    await once(server, 'listening')
    const to = { host: '127.0.0.1', port: server.address().port, servername: name, ca: trusted ? cert : undefined }
    await new Promise((done, fail) => https.get(to, done).on('error', fail))
}"""


@pytest.fixture(scope="module")
def ends(worker: Worker) -> dict[str, Outcome]:
    """How all of ERRORS ended."""
    found: dict[str, Outcome] = {}
    for start in range(0, len(ERRORS), AT_A_TIME):
        jobs = {path.name: _submit(worker, path) for path in ERRORS[start : start + AT_A_TIME]}
        found |= {name: worker.end_of(job) for name, job in jobs.items()}
    return found


def _submit(worker: Worker, path: Path) -> Job:
    file = f"index{path.suffix}"
    return worker.submit(worker.write({file: path.read_text(), **BESIDE}), handler=file)


@pytest.mark.parametrize("path", ERRORS, ids=[path.stem for path in ERRORS])
def test_an_error_says_what_to_do(path: Path, ends: dict[str, Outcome]) -> None:
    reason, hint = (line.partition(": ")[2] for line in path.read_text().splitlines()[:2])
    outcome = ends[path.name]
    assert (outcome.status, outcome.reason) == (Status.FAILED, reason), outcome
    assert outcome.error
    assert hint in (outcome.error.hint or "")


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A server's key and certificate as PEM, and the function's trust in it."""

    days: int
    trusted: bool
    name: str
    hint: str


@pytest.mark.parametrize(
    "shown",
    [
        Certificate(days=1, trusted=False, name="mail.example.org", hint="not signed by an authority"),
        Certificate(days=-1, trusted=True, name="mail.example.org", hint="certificate has expired"),
        Certificate(days=1, trusted=True, name="other.example.org", hint="is for another name"),
    ],
    ids=["self-signed", "expired", "another name"],
)
def test_a_refused_certificate_says_why(shown: Certificate, worker: Worker) -> None:
    key, cert = certificate(shown.days)
    event = {"key": key, "cert": cert, "trusted": shown.trusted, "name": shown.name}
    outcome = worker.run(SERVES, event=event)
    assert outcome.error
    assert shown.hint in (outcome.error.hint or ""), outcome.error


def certificate(days: int) -> tuple[str, str]:
    """A key for mail.example.org and its own certificate, which ends in so many days."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.org")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("mail.example.org")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return secret.decode(), made.public_bytes(pem).decode()
