// promise: others.runs
// attack: connects to a server that a run of another workspace has on its loopback and in an abstract socket
// network: outbound
import { answering, verdict } from './attack.cjs';
export default async () => verdict(await answering([{ host: '127.0.0.1', port: 5555 }, { path: '\0neighbour' }]));
