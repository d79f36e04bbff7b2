import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { createServer } from 'node:net';
export default async () => {
  const child = spawn('/bin/sleep', ['30']);
  process.on('exit', () => child.kill());
  setInterval(() => {}, 1000);
  setInterval(() => {}, 1000);
  watch('.');
  await new Promise((resolve) => createServer().listen(0, '127.0.0.1', resolve));
  return child.pid;
};
