// reason: error
// hint: There is no default here
import lib from './lib.cjs'
export default () => lib.default()
