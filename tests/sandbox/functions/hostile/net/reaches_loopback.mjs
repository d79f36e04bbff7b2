// promise: net.loopback
// attack: connects to a server on the machine's loopback, under every name that it has
// network: outbound
import { answering, verdict } from './attack.cjs';
const NAMES = ['127.0.0.1', 'localhost', '127.0.0.53', '127.1.2.3', '0.0.0.0', '::1', '::', '::ffff:127.0.0.1', '::ffff:0.0.0.0'];
export default async () => verdict(await answering(NAMES.map((host) => ({ host, port: 1026 }))));
