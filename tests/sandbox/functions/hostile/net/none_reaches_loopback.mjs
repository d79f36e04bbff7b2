// promise: net.none
// attack: without a network, connects to servers of the machine
import { answering, verdict } from './attack.cjs';
export default async () =>
  verdict(
    await answering([
      { host: '127.0.0.1', port: 1025 },
      { host: '127.0.0.1', port: 1026 },
      { host: '::1', port: 1026 },
      { host: '10.77.0.1', port: 80 },
      { host: '203.0.113.7', port: 80 },
    ]),
  );
