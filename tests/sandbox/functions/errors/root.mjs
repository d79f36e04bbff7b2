// reason: denied
// hint: read-only
import fs from 'node:fs'
export default () => fs.mkdirSync('/data')
