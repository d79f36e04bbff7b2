// reason: load
// hint: A function is one file
import x from './lib.mjs'
export default () => 1
