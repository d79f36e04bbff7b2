"""A ledger outside of the service: functions write into it over TCP, and a line is on disk before it is answered."""

import socketserver
import threading
from pathlib import Path

# Tells the ledger when it begins, each line that it printed, and when it ends; once a while it fails on purpose.
# The stamp is the machine's monotonic clock, which is the same inside and outside of the sandbox.
FUNCTION = """import net from "node:net";
import { once } from "node:events";

export default async (event) => {
  const { lines, ms, failing, port } = event.payload;
  const ledger = net.connect(port, "127.0.0.1");
  await once(ledger, "connect");
  const tell = async (what, line) => {
    const run = Number(event.id), attempt = event.attempt, at = Number(process.hrtime.bigint());
    ledger.write(JSON.stringify({ run, attempt, job: event.cronJob?.id ?? null, what, line, at }) + "\\n");
    await once(ledger, "data");
  };
  await tell("start", 0);
  for (let line = 1; line <= lines; line++) {
    console.log(`run ${event.id} line ${line}`);
    await tell("line", line);
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
  await tell("stop", lines);
  ledger.destroy();
  const minute = new Date(event.scheduledTime).getUTCMinutes();
  if (failing && minute % failing === 0 && event.attempt < 3) throw new Error("on purpose");
};
"""


class Ledger:
    """The server, and its file: an object of JSON a line, {run, attempt, job, what, line, at}; at is monotonic ns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab", buffering=0)
        self._lock = threading.Lock()
        self._open = 0
        ledger = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                ledger._count(1)
                try:
                    for line in self.rfile:
                        if not line.endswith(b"\n"):
                            return  # killed in the middle of it
                        ledger._write(line)
                        self.wfile.write(b".")
                except OSError:
                    return
                finally:
                    ledger._count(-1)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def open(self) -> int:
        """How many functions hold a connection: a function that lives has one."""
        return self._open

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._file.close()

    def _count(self, by: int) -> None:
        with self._lock:
            self._open += by

    def _write(self, line: bytes) -> None:
        with self._lock:
            self._file.write(line)
