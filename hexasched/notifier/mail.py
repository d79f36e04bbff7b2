"""Hands one mail to the configured server."""

import smtplib
import ssl
from email.message import EmailMessage

from hexasched.config import Mail

TIMEOUT_S = 10.0


def send(server: Mail, letter: EmailMessage) -> str | None:
    """None once the server has accepted the mail, else what kept it from that, in one line."""
    try:
        with _connect(server) as smtp:
            if server.username:
                smtp.login(server.username, server.password)
            smtp.send_message(letter)
    except (smtplib.SMTPException, OSError) as error:
        return _explain(server, error)
    return None


def _connect(server: Mail) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.security == "tls":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=context)
    smtp = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
    if server.security == "starttls":
        try:
            smtp.starttls(context=context)
        except BaseException:  # whatever it is goes on; nobody else knows of the connection
            smtp.close()
            raise
    return smtp


def _explain(server: Mail, error: Exception) -> str:
    where = f"{server.host}:{server.port}"
    match error:
        case smtplib.SMTPAuthenticationError():
            return f"{where} refused the user name or the password."
        case smtplib.SMTPNotSupportedError():
            return f"{where} does not offer what mail.security or mail.username asks for: {error}"
        case smtplib.SMTPRecipientsRefused():
            codes = "; ".join(f"{code} {_text(answer)}" for code, answer in error.recipients.values())
            return f"{where} refused the recipient: {codes}"
        case smtplib.SMTPResponseException():
            return f"{where} answered {error.smtp_code} {_text(error.smtp_error)}"
        case ssl.SSLError():
            return f"{where}: the encrypted connection failed: {error.reason or error}"
        case TimeoutError():
            return f"{where} did not answer within {TIMEOUT_S:.0f} s."
        case ConnectionRefusedError():
            return f"{where} refused the connection. Is the mail server running, and are host and port right?"
        case _:
            return f"{where}: {error}"


def _text(answer: bytes | str) -> str:
    return answer.decode(errors="replace") if isinstance(answer, bytes) else answer
