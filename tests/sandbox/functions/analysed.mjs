import nodemailer from 'nodemailer';
import { readFile } from 'fs/promises';
import client from '@acme/client/lib/index.js';
import process, { env } from 'node:process';
export { helper } from './helper.mjs';

const { SMTP_HOST, SMTP_PORT = '587' } = process.env;
const { env: aliased } = process;

if (!process.env.CHECKED) throw new Error('CHECKED is not set');
if (process.env.DEBUG) console.log('debug');
if (process.env.MODE === undefined) {
  process.exit(1);
}

export default async ({ region = process.env.REGION } = {}) => {
  const key = process.env['API_KEY'];
  const list = [process.env.A || 'a', process.env.B ?? 'b', process.env.C?.trim(), !!process.env.D];
  const more = [process.env.E === 'on', process.env.F ? 1 : 2, Boolean(process.env.G), typeof process.env.H];
  process.env.WRITTEN = 'x';
  delete process.env.DELETED;
  process.env.I ||= 'i';
  const lazy = await import('left-pad');
  const dynamic = process.env[region];
  return { key, list, more, lazy, dynamic, at: `${env.TEMPLATE}`, name: aliased.ALIASED, g: globalThis.process.env.GLOBAL };
};
