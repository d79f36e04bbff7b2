"""Servers around a sandbox, for tests of its network: `python -m … [ADDRESS,PORT]… [dns=ADDRESS] [npm=PORT]`.

Each TCP server greets with its own address and hangs up. The DNS server has one answer: 203.0.113.7. The npm registry,
on 127.0.0.1, has one package: boat 1.0.0, with a script that must not run.
"""

import base64
import hashlib
import http.server
import io
import json
import socket
import sys
import tarfile
import threading

ANSWER = socket.inet_aton("203.0.113.7")


def greet(address: str, port: int) -> None:
    """Serve TCP for ever."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, port), family=family, backlog=64) as server:
        while True:
            connection, _ = server.accept()
            with connection:
                connection.sendall(f"hello from {address}".encode())


def resolve(address: str) -> None:
    """Answer A queries with ANSWER and all others with nothing, for ever (RFC 1035)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        while True:
            query, client = server.recvfrom(1500)
            question = query[12 : query.index(b"\0", 12) + 5]
            wanted = question[-4:-2] == b"\0\1"
            header = query[:2] + b"\x81\x80\0\1" + (b"\0\1" if wanted else b"\0\0") + b"\0\0\0\0"
            record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + ANSWER
            server.sendto(header + question + (record if wanted else b""), client)


def boat() -> bytes:
    """The package as npm packs it."""
    about = {"name": "boat", "version": "1.0.0", "scripts": {"install": "echo > /code/script-ran"}}
    files = {"package/package.json": json.dumps(about), "package/index.js": "module.exports = 'a boat'"}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


def register(port: int) -> None:
    """Serve the npm registry for ever."""
    package = boat()
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(package).digest()).decode()
    dist = {"tarball": f"http://127.0.0.1:{port}/boat/-/boat-1.0.0.tgz", "integrity": integrity}
    version = {"name": "boat", "version": "1.0.0", "hasInstallScript": True, "dist": dist}
    about = {"name": "boat", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
    answers = {"/boat": json.dumps(about).encode(), "/boat/-/boat-1.0.0.tgz": package}

    class Registry(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers.get(self.path)
            self.send_response(404 if body is None else 200)
            self.end_headers()
            self.wfile.write(body or b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            pass

    http.server.ThreadingHTTPServer(("127.0.0.1", port), Registry).serve_forever()


def main() -> None:
    """Serve what the arguments say."""
    threads = []
    for argument in sys.argv[1:]:
        if argument.startswith("dns="):
            threads.append(threading.Thread(target=resolve, args=[argument.removeprefix("dns=")]))
        elif argument.startswith("npm="):
            threads.append(threading.Thread(target=register, args=[int(argument.removeprefix("npm="))]))
        else:
            address, port = argument.split(",")
            threads.append(threading.Thread(target=greet, args=[address, int(port)]))
    for thread in threads:
        thread.start()


if __name__ == "__main__":
    main()
