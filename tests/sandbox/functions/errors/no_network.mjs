// reason: error
// hint: no way from the sandbox to 10.1.2.3:25
import net from 'node:net'
import { once } from 'node:events'
export default async () => { await once(net.connect(25, '10.1.2.3'), 'connect') }
