// reason: denied
// hint: does not allow this
import fs from 'node:fs'
export default () => { fs.writeFileSync('/tmp/x', '', { mode: 0 }); fs.readFileSync('/tmp/x') }
