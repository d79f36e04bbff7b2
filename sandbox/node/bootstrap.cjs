'use strict';
// Runs one function in this process: says it is ready, reads what to do, does it, sends one frame; and again, if
// it is to be reused.

const fs = require('node:fs');
const { pathToFileURL } = require('node:url');
const { inspect, types } = require('node:util');
const { openLoader, readCompiled } = require('./realm.cjs');

// The number of the descriptor with our compiled modules; without one they are compiled here.
const [fd] = process.argv.splice(2);
const compiled = fd && readCompiled(__dirname, Number(fd));
const load = openLoader(__dirname, { own: false, compiled });
const loadSafe = openLoader(__dirname, { own: true, compiled });
const { milliseconds } = load('context.cjs');
const { startRun } = load('run.cjs');
const { replaceStreams } = load('streams.cjs');
const { withPosition } = load('syntax.cjs');
const { openEnv } = loadSafe('env.cjs');
const { openPipes } = loadSafe('pipes.cjs');
const { openReport } = loadSafe('report.cjs');
const { pendingWarning } = loadSafe('pending.cjs');

const { fill, subarray, toString } = Buffer.prototype;
const { parse } = JSON;
const exit = process.reallyExit.bind(process);
const line = openLine();
let asks = null;
let going = null; // the nonce of the run that is going on

// The control pipe where answers come: `listen(fd, take, gone)` has `take` called with what comes on it, and
// `gone` at its end; it does not keep the process going. Listening lets reads not wait; `blocking(true)` has
// them wait again, for the next order.
function openLine() {
  let socket = null;
  let heard = {};

  function listen(fd, take, gone) {
    heard = { take, gone };
    if (socket) return socket;
    const { Socket } = require('node:net');
    socket = new Socket({ fd, readable: true, writable: false });
    socket.on('data', (chunk) => heard.take(chunk));
    socket.on('end', () => heard.gone());
    socket.on('error', () => heard.gone());
    return socket.unref();
  }

  function blocking(wanted) {
    if (!socket) return;
    const { _handle: handle } = socket;
    if (handle.setBlocking(wanted) !== 0) throw new Error('the control pipe does not obey');
  }

  return { listen, blocking };
}

// All of the main realm that is needed once user code has run, which may have replaced any of it by then.
const host = {
  readSync: fs.readSync,
  writeSync: fs.writeSync,
  readFileSync: fs.readFileSync,
  allocate: Buffer.alloc,
  concat: Buffer.concat,
  slice: (bytes, from) => Reflect.apply(subarray, bytes, [from]),
  wipe: (bytes) => Reflect.apply(fill, bytes, [0]),
  decode: (bytes, from, to) => Reflect.apply(toString, bytes, ['utf8', from, to]),
  milliseconds,
  listen: line.listen,
  unanswered: () => asks?.open() ?? 0,
  encode: Buffer.from,
  byteLength: Buffer.byteLength,
  stringify: JSON.stringify,
  isArray: Array.isArray,
  isNativeError: types.isNativeError,
  inspect,
  withPosition,
  env: process.env,
  activeHandles: process._getActiveHandles,
  activeRequests: process._getActiveRequests,
  activeResources: process.getActiveResourcesInfo,
};

// The outcome of mode "analyse", in which no user code runs.
function analysed(report, root, file) {
  try {
    return report.json(JSON.stringify(load('analyser.cjs').analyse(root, file)));
  } catch (error) {
    return report.threw('load', error);
  }
}

function main() {
  const pipes = openPipes(host);
  pipes.ready();
  const { aliveThreads } = require('./threads.cjs');
  const text = pipes.receive();
  if (text === null) return;

  const root = process.cwd();
  const folders = { root, rootUrl: pathToFileURL(root).href, ours: __dirname };
  const env = openEnv(host.env);

  let loaded = false;

  function start(control) {
    const report = openReport({ host, env, pipes, control, folders, loaded });
    loaded = control.mode === 'preload';
    if (control.mode === 'analyse') return report.send(analysed(report, root, control.handler));
    const { nonce } = control;
    delete control.nonce;
    going = nonce;
    function openKept(remaining) {
      const isOver = () => going !== nonce;
      const opened = loadSafe('asks.cjs').openAsks({ host, pipes, nonce, isOver });
      if (!isOver()) asks = opened;
      const { checkedJson } = loadSafe('result.cjs');
      return load('kv.cjs').openKv({ asks: opened, remaining, toJson: (value, words) => checkedJson(value, host, words) });
    }
    asks = null;
    process.env = env.proxy;
    const warning = (seconds) => pendingWarning(host, seconds);
    startRun({ control, report, importFile, pendingWarning: warning, openKept, aliveThreads, next });
  }

  const first = parse(text);
  const { href } = pathToFileURL(`${root}/${first.handler}`);
  const importFile = () => import(href);

  // Waits for the next run. Where the code has broken the pipe the process ends, and no run comes to harm.
  function next() {
    let order = null;
    try {
      line.blocking(true);
      order = pipes.receive();
      line.blocking(false);
    } catch {
      order = null;
    }
    if (order === null) exit(0);
    start(parse(order));
  }

  if (first.mode !== 'analyse') replaceStreams(pipes.output);
  start(first);
}

main();
