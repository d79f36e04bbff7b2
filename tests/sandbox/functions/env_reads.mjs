import { env as imported } from 'node:process';
import { read } from 'reader';

export default async () => {
  const { SET, DESTRUCTURED } = process.env;
  const values = [process.env.SET, process.env.EMPTY, process.env.OPTIONAL ?? 'fallback', imported.IMPORTED];
  const mapped = ['MAPPED'].map((name) => process.env[name]);
  read('BY_PACKAGE');
  read('SET_FOR_PACKAGE');
  process.env.OWN = 1;
  delete process.env.OWN;
  JSON.stringify([process.env.OWN, 'ASKED' in process.env, Object.hasOwn(process.env, 'ASKED'), SET, DESTRUCTURED]);
  await process.env;
  console.log(mapped, process.env);
  return values;
};
