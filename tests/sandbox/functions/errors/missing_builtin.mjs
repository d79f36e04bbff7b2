// reason: load
// hint: imported without node:
import x from 'node:smtp'
export default () => 1
