import { execFileSync } from 'node:child_process';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';

export default async () => {
  const before = Object.keys(process.env).sort();
  process.env.NUMBER = 5;
  const forIn = [];
  for (const name in process.env) forIn.push(name);
  const code = 'require("worker_threads").parentPort.postMessage({ ...process.env })';
  const inWorker = await new Promise((resolve) => new Worker(code, { eval: true }).once('message', resolve));
  return {
    before,
    number: process.env.NUMBER,
    forIn: forIn.sort(),
    spread: { ...process.env },
    inside: ['GREETING' in process.env, 'MISSING' in process.env],
    owns: process.env.hasOwnProperty('GREETING'),
    printed: inspect(process.env).includes("GREETING: 'hello'"),
    json: JSON.parse(JSON.stringify(process.env)),
    child: execFileSync('/usr/bin/env', { encoding: 'utf8' }).trim().split('\n').sort(),
    inWorker,
    hour: new Date(0).getHours(),
    symbol: refused(() => (process.env[Symbol('x')] = '1')),
    deleted: delete process.env.NUMBER && process.env.NUMBER === undefined,
  };
};

function refused(action) {
  try {
    action();
  } catch (error) {
    return error.name;
  }
}
