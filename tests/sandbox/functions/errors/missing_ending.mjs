// reason: load
// hint: Write the ending: index.mjs
import x from './index'
export default () => 1
