// reason: error
// hint: fs.readFil is something else
import fs from 'node:fs'
export default () => fs.readFil('x')
