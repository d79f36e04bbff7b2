// reason: load
// hint: names a file, not a folder
import x from './'
export default () => 1
