// promise: env.service
// attack: looks in its own environment for variables of the service
import { read, verdict, PLANTED } from './attack.cjs';
export default () =>
  verdict(
    PLANTED.test(read('/proc/self/environ')) && 'a secret in /proc/self/environ',
    PLANTED.test(JSON.stringify({ ...process.env })) && 'a secret in process.env',
    Object.keys(process.env).map((name) => /HEXASCHED|DATABASE|PYTHON|VIRTUAL/.test(name) && `there is ${name}`),
  );
