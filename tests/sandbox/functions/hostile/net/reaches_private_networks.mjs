// promise: net.private
// attack: where private networks are closed, connects to servers in them
// network: outbound
import { answering, verdict } from './attack.cjs';
const ADDRESSES = [
  ['10.77.0.2', 80],
  ['100.64.0.2', 80],
  ['172.31.0.2', 80],
  ['192.168.77.2', 80],
  ['fd55::2', 81],
];
export default async () => verdict(await answering(ADDRESSES.map(([host, port]) => ({ host, port }))));
