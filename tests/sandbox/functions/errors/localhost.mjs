// reason: error
// hint: is the sandbox itself
import net from 'node:net'
import { once } from 'node:events'
export default async () => { await once(net.connect(5999, 'localhost'), 'connect') }
