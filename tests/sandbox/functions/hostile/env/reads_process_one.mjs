// promise: env.service
// attack: reads the environment and the arguments of process 1, which the service started
import { read, verdict, PLANTED } from './attack.cjs';
export default () =>
  verdict(
    read('/proc/1/environ').trim('\0') && `an environment: ${read('/proc/1/environ').slice(0, 80)}`,
    PLANTED.test(read('/proc/1/cmdline')) && 'a secret in the arguments',
    /--ro-bind|--setenv/.test(read('/proc/1/cmdline')) && 'the arguments tell how it is confined',
  );
