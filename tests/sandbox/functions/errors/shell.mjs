// reason: denied
// hint: It may start child processes
import { execSync } from 'node:child_process'
export default () => execSync('ls')
