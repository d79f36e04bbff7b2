// promise: proc.others
// attack: lists the machine's processes
import { names, verdict } from './attack.cjs';
export default ({ pids }) => {
  const seen = names('/proc').filter((name) => /^\d+$/.test(name));
  return verdict(seen.length > 2 && `it sees ${seen.length} processes`, pids.map((pid) => seen.includes(`${pid}`) && pid));
};
