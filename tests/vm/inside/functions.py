"""The functions that the checks deploy."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.vm.inside.shell import hexasched

MAIL_PORT = 2525

SOURCES = {
    "hello": "export default async (event) => ({ hello: event.payload.name });",
    "fails": "export default async () => {\n  throw new Error('no orders today');\n};",
    "sleeps": """
        export default async (event) => {
          console.log('begun');
          await new Promise((resolve) => setTimeout(resolve, event.payload.ms));
          return 'slept';
        };""",
    # Without packages there is no nodemailer: SMTP is a few lines.
    "mails": """
        import net from 'node:net';
        export default async () => {
          const socket = net.connect(Number(process.env.SMTP_PORT), '127.0.0.1');
          const heard = socket.setEncoding('utf8')[Symbol.asyncIterator]();
          await heard.next();
          for (const line of ['HELO vm', 'MAIL FROM:<a@example.org>', 'RCPT TO:<b@example.org>', 'DATA',
                              'Subject: from the sandbox\\r\\n\\r\\nHello.\\r\\n.', 'QUIT']) {
            socket.write(line + '\\r\\n');
            await heard.next();
          }
          socket.destroy();
          return 'sent';
        };""",
    "eats-memory": """
        export default async () => {
          const kept = [];
          for (;;) kept.push(Buffer.alloc(8 * 1024 * 1024, 1));
        };""",
    "forks": """
        import { spawn } from 'node:child_process';
        export default async () => {
          let started = 0, refused = 0;
          for (let i = 0; i < 60; i += 1) {
            await new Promise((resolve) => {
              const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)']);
              child.on('spawn', () => { started += 1; resolve(); });
              child.on('error', () => { refused += 1; resolve(); });
            });
          }
          console.log(JSON.stringify({ started, refused }));
          process.exit(0);
        };""",
    "spins": """
        import { Worker } from 'node:worker_threads';
        const spin = 'const end = Date.now() + 15000; while (Date.now() < end);';
        export default async () => {
          const threads = [1, 2].map(() => new Worker(spin, { eval: true }));
          await Promise.all(threads.map((thread) => new Promise((resolve) => thread.on('exit', resolve))));
          return 'spun';
        };""",
}


def deploy(name: str, *options: str) -> str:
    """Deploy the function `name` of SOURCES; what the command said."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "index.mjs"
        file.write_text(SOURCES[name])
        return hexasched("function", "deploy", name, "--file", str(file), *options, deadline_s=240)
