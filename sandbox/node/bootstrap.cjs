'use strict';
// Runs one function in this process: says it is ready, reads what to do, does it, sends one frame.

const fs = require('node:fs');
const { pathToFileURL } = require('node:url');
const { inspect, types } = require('node:util');
const { openLoader } = require('./realm.cjs');

const load = openLoader(__dirname, { own: false });
const loadSafe = openLoader(__dirname, { own: true });
const { milliseconds } = load('context.cjs');
const { startRun } = load('run.cjs');
const { replaceStreams } = load('streams.cjs');
const { withPosition } = load('syntax.cjs');
const { openPipes } = loadSafe('pipes.cjs');
const { openReport } = loadSafe('report.cjs');
const { pendingWarning } = loadSafe('pending.cjs');

const { subarray, toString } = Buffer.prototype;
let asks = null;

// Has `take` called with what comes on a pipe, and `gone` at its end. It does not keep the process going.
function listen(fd, take, gone) {
  const { Socket } = require('node:net');
  const socket = new Socket({ fd, readable: true, writable: false });
  socket.on('data', take);
  socket.on('end', gone);
  socket.on('error', gone);
  return socket.unref();
}

// All of the main realm that is needed once user code has run, which may have replaced any of it by then.
const host = {
  readSync: fs.readSync,
  writeSync: fs.writeSync,
  readFileSync: fs.readFileSync,
  allocate: Buffer.alloc,
  concat: Buffer.concat,
  slice: (bytes, from) => Reflect.apply(subarray, bytes, [from]),
  decode: (bytes, from, to) => Reflect.apply(toString, bytes, ['utf8', from, to]),
  milliseconds,
  listen,
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
  require('./threads.cjs');
  const text = pipes.receive();
  if (text === null) return;

  const control = JSON.parse(text);
  const root = process.cwd();
  const folders = { root, rootUrl: pathToFileURL(root).href, ours: __dirname };
  const report = openReport({ host, pipes, control, folders });
  if (control.mode === 'analyse') return report.send(analysed(report, root, control.handler));
  const { nonce } = control;
  delete control.nonce;
  function openKept(remaining) {
    asks = loadSafe('asks.cjs').openAsks({ host, pipes, nonce });
    const { checkedJson } = loadSafe('result.cjs');
    return load('kv.cjs').openKv({ asks, remaining, toJson: (value, words) => checkedJson(value, host, words) });
  }
  process.env = report.env;
  replaceStreams(pipes.output);
  const { href } = pathToFileURL(`${root}/${control.handler}`);
  startRun({
    control,
    report,
    importFile: () => import(href),
    pendingWarning: (seconds) => pendingWarning(host, seconds),
    openKept,
  });
}

main();
