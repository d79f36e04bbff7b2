import { spawn } from 'node:child_process';
export default () => new Promise(() => spawn('no-such-program'));
