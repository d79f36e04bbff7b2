// Tries from inside what the sandbox forbids, and returns the sentences of what worked.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';

const OWN_VARIABLES = ['HOME', 'LANG', 'NODE_ENV', 'PATH', 'PWD', 'TMPDIR', 'TZ'];
const REFUSED = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'EACCES', 'EINVAL'];

const SILENCE_MS = 3000;

function works(action) {
  try {
    return action() !== false;
  } catch {
    return false;
  }
}

function read(path) {
  return fs.readFileSync(path, 'utf8');
}

const status = (name) => read('/proc/self/status').match(new RegExp(`^${name}:\\s*(\\S+)`, 'm'))?.[1];
const limit = (name) => read('/proc/self/limits').match(new RegExp(`^${name}\\s+(\\S+)`, 'm'))?.[1];

// The names of what it was started with; the runner removes what is not its own from process.env only.
function variables() {
  const started = read('/proc/self/environ').split('\0').filter(Boolean);
  return [...Object.keys(process.env), ...started.map((one) => one.split('=')[0])];
}

function files(event) {
  return {
    'read a file of the service': works(() => read(event.secret)),
    'read the environment of another process': event.pids.some((pid) => works(() => read(`/proc/${pid}/environ`) !== '')),
    'write to its own code': works(() => fs.writeFileSync(new URL(import.meta.url), '')),
    'write to the runtime': works(() => fs.accessSync(process.execPath, fs.constants.W_OK)),
    'write outside of its folder': ['/', '/etc', '/usr', event.folder].some((folder) =>
      works(() => fs.writeFileSync(`${folder}/hexasched-probe`, ''))),
    'see descriptors that it was not given': fs.readdirSync('/proc/self/fd').some((fd) =>
      works(() => /^\/(?!dev\/null)/.test(fs.readlinkSync(`/proc/self/fd/${fd}`)) && !isListing(fd))),
  };
}

// The listing's own descriptor, which is closed by now or is the folder itself.
function isListing(fd) {
  return fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith('/proc/');
}

function processes(event) {
  return {
    'see other processes': event.alone && fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length > 2,
    // In a namespace of its own these numbers are nobody's, or its own threads'.
    'send a signal to the service': !event.alone && event.pids.some((pid) => works(() => process.kill(pid, 0))),
    'start a process': spawnSync(process.execPath, ['-v']).error === undefined,
    'see the environment of the service': variables().some((name) => !OWN_VARIABLES.includes(name)),
    'keep rights of the system': ['CapInh', 'CapPrm', 'CapEff', 'CapAmb'].some((name) => !/^0+$/.test(status(name))),
    'gain rights by starting programs': status('NoNewPrivs') !== '1',
    'make any system call': status('Seccomp') !== '2',
    'be the user of the service': !event.alone && status('Uid') === String(event.uid),
    'use memory without end': limit('Max data size') === 'unlimited',
    'make threads without end': limit('Max processes') !== event.processes,
  };
}

function reaches({ host, port }) {
  return new Promise((resolve) => {
    const socket = net.connect(port, host);
    const end = (reached) => (socket.destroy(), resolve(reached));
    socket.on('connect', () => end(true));
    // An address that is closed refuses at once; silence means that packets go somewhere. On a busy machine a refusal
    // may lie there unread when the time is up: setImmediate comes after it has been read.
    socket.on('error', (error) => end(!REFUSED.includes(error.code)));
    setTimeout(() => setImmediate(end, true), SILENCE_MS).unref();
  });
}

export default async function probe(event) {
  const tried = { ...files(event), ...processes(event) };
  const reached = await Promise.all(event.closed.map(reaches));
  event.closed.forEach((target, i) => (tried[`reach ${target.name}`] = reached[i]));
  return Object.keys(tried).filter((name) => tried[name]);
}
