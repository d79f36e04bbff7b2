// promise: net.host
// attack: connects to the machine's own addresses
// network: outbound
import { answering, verdict } from './attack.cjs';
const ADDRESSES = [
  ['10.77.0.1', 80],
  ['::ffff:10.77.0.1', 80],
  ['172.31.0.1', 80],
  ['10.77.0.1', 82],
  ['2001:db8:77::1', 81],
  ['2001:db8:77::1', 83],
];
export default async () => verdict(await answering(ADDRESSES.map(([host, port]) => ({ host, port }))));
