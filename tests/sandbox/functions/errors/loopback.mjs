// reason: error
// hint: add 5999 to the setting sandbox.loopback_ports
import net from 'node:net'
import { once } from 'node:events'
export default async () => { await once(net.connect(5999, '127.0.0.1'), 'connect') }
