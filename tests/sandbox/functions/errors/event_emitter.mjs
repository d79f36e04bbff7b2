// reason: error
// hint: An "error" event had no listener
import E from 'node:events'
export default () => new E().emit('error', 'x')
