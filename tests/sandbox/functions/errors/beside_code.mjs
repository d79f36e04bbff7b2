// reason: denied
// hint: os.tmpdir()
import fs from 'node:fs'
export default () => fs.writeFileSync('out.json', '{}')
