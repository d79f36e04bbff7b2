// reason: load
// hint: not addresses
import a from 'https://esm.sh/lodash'
export default () => a
