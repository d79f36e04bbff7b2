// promise: net.metadata
// attack: asks the cloud's metadata services, which would hand out the machine's rights
// network: outbound
import { answering, verdict } from './attack.cjs';
const SERVICES = [
  ['169.254.169.254', 80],
  ['::ffff:169.254.169.254', 80],
  ['168.63.129.16', 80],
  ['100.100.100.200', 80],
  ['fd00:ec2::254', 81],
];
export default async () => verdict(await answering(SERVICES.map(([host, port]) => ({ host, port }))));
