// What most attacks need: trying things, and the verdict.
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');

// The scratch space, where the walls are other than namespaces not at its usual place.
exports.TMP = os.tmpdir();

// The value of `action()`, or the code of what it threw.
exports.tried = (action) => {
  try {
    return action() ?? 'done';
  } catch (error) {
    return error.code ?? error.message;
  }
};

// "held", or what succeeded that should not have: `broken` are texts; false ones are left out.
exports.verdict = (...broken) => {
  const found = broken.flat().filter(Boolean);
  return found.length ? `BROKEN: ${found.slice(0, 5).join('; ')}` : 'held';
};

// A secret of the service, wherever it was planted.
exports.PLANTED = /PLANTED-[0-9a-f]{16}/;

// The text of a file, "" if it can't be read.
exports.read = (path) => {
  try {
    return fs.readFileSync(path, 'latin1');
  } catch {
    return '';
  }
};

// The names in a folder, none if it can't be listed.
exports.names = (folder) => {
  try {
    return fs.readdirSync(folder);
  } catch {
    return [];
  }
};

// What answers at an address within two seconds: its greeting, "open", or the code of an error.
exports.reach = (options) =>
  new Promise((resolve) => {
    const socket = net.connect(options);
    let open = false;
    const end = (answer) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end(open ? 'open' : 'silence'), 2000);
    socket.on('connect', () => (open = true)).on('data', (data) => end(`open: ${data}`));
    socket.on('error', (error) => end(error.code)).on('close', () => end(open ? 'open' : 'closed'));
  });

// The names of `targets` ({host, port} or {path}) that answer.
exports.answering = async (targets) => {
  const answers = await Promise.all(targets.map(exports.reach));
  const name = ({ host, port, path }) => path ?? `${host} port ${port}`;
  return targets.filter((_, index) => answers[index].startsWith('open')).map((one) => `${name(one)} answers`);
};

exports.sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// An attack on the time limit must not take the test's own time.
exports.letOthersGoFirst = () => os.setPriority(19);
