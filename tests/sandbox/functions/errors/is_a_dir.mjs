// reason: error
// hint: That is a folder
import fs from 'node:fs'
export default () => fs.readFileSync('/tmp')
