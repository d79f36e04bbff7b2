'use strict';
// Names what keeps the event loop alive: connections with host and port, timers, servers, child processes.

const MAIL_PORTS = new Set([25, 465, 587, 1025, 2525]);
const MAX_NAMED = 8;
const KINDS = new Map([
  ['Timeout', 'timer'],
  ['Immediate', 'setImmediate callback'],
  ['FSReqCallback', 'file operation'],
  ['FSReqPromise', 'file operation'],
  ['FSEventWrap', 'file watcher'],
  ['StatWatcher', 'file watcher'],
  ['GetAddrInfoReqWrap', 'DNS lookup'],
  ['QueryReqWrap', 'DNS lookup'],
  ['ChannelWrap', 'DNS lookup'],
  ['MessagePort', 'worker thread or message port'],
  ['Worker', 'worker thread'],
  ['Zlib', 'compression'],
  ['UDPWrap', 'UDP socket'],
  ['SignalWrap', 'signal listener'],
]);
// Told more exactly through their handles, or only a part of something that is told.
const TOLD = /^(?:TCP|TLS|Pipe|TTY|Process|Write|Shutdown|Connect|HTTP|Close)/;

const safely = (action) => {
  try {
    return action();
  } catch {
    return null;
  }
};

function connection(socket) {
  const host = socket._host ?? socket.servername ?? socket.remoteAddress ?? socket._pendingHost;
  const port = socket.remotePort ?? socket._peername?.port;
  if (typeof host !== 'string' && typeof port !== 'number') return null;
  return named('connection', host || socket.remoteAddress, port);
}

function named(kind, host, port) {
  const place = [host, port].filter(Boolean).join(':');
  return `${kind} to ${place.slice(0, 255)}${MAIL_PORTS.has(port) ? ' (mail)' : ''}`;
}

function handleName(handle) {
  if (typeof handle.spawnfile === 'string')
    return `child process ${handle.spawnfile.slice(0, 100)} (pid ${Number(handle.pid)})`;
  if (typeof handle.listen === 'function') return `server on port ${Number(handle.address()?.port)}`;
  if (typeof handle.connect === 'function' && typeof handle.write === 'function') return connection(handle);
  return null;
}

function requestName(request) {
  if (typeof request.port === 'number' && typeof request.address === 'string') {
    return named('connection attempt', request.address, request.port);
  }
  return typeof request.hostname === 'string' ? `DNS lookup of ${request.hostname.slice(0, 255)}` : null;
}

function each(list, name) {
  const found = [];
  for (let index = 0; index < list.length; index += 1) found.push(safely(() => name(list[index])));
  return found.filter(Boolean);
}

function counted(kinds) {
  const counts = new Map();
  for (let index = 0; index < kinds.length; index += 1) {
    const kind = String(kinds[index]);
    if (!TOLD.test(kind)) counts.set(KINDS.get(kind) ?? kind, (counts.get(KINDS.get(kind) ?? kind) ?? 0) + 1);
  }
  return [...counts].map(([kind, count]) => (count === 1 ? `a ${kind}` : `${count} × ${kind}`));
}

// What is open now, in words. `host` gives Node's lists of active handles, requests and kinds of resources.
function pendingWork(host) {
  const exact = [...each(host.activeHandles(), handleName), ...each(host.activeRequests(), requestName)];
  const lookups = exact.some((name) => name.startsWith('DNS lookup of'));
  const others = counted(host.activeResources()).filter((name) => !(lookups && name.includes('DNS lookup')));
  const unanswered = host.unanswered() ? [`${host.unanswered()} × call of context.kv`] : [];
  const all = [...new Set([...exact, ...unanswered, ...others])];
  const rest = all.length > MAX_NAMED ? [`${all.length - MAX_NAMED} more`] : [];
  return [...all.slice(0, MAX_NAMED), ...rest];
}

// The warning about work that was cut off `seconds` after the handler had settled.
function pendingWarning(host, seconds) {
  const names = pendingWork(host);
  const what = names.length
    ? names.join(', ')
    : 'something that Node.js does not name, such as a worker thread';
  const advice = names.some((name) => name.includes('(mail)'))
    ? 'Was a mail sent without await? Write: await transporter.sendMail(…)'
    : 'Await what the run depends on, and close or clear the rest.';
  return `${seconds} s after the handler had ended this was still open and was cut off: ${what}. ${advice}`;
}

module.exports = { pendingWarning };
