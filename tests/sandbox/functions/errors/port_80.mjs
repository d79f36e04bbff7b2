// reason: error
// hint: Ports below 1024
import net from 'node:net'
import { once } from 'node:events'
export default async () => { await once(net.createServer().listen(80), 'listening') }
