// promise: env.service
// attack: searches what every process in sight was started with
import { names, read, verdict, PLANTED } from './attack.cjs';
export default () => {
  const processes = names('/proc').filter((name) => /^\d+$/.test(name));
  return verdict(
    processes.map((pid) => PLANTED.test(read(`/proc/${pid}/environ`) + read(`/proc/${pid}/cmdline`)) && `process ${pid}`),
  );
};
