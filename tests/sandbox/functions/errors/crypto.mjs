// reason: error
// hint: A variable that is not set gives undefined
import c from 'node:crypto'
export default () => c.createHmac('sha256', undefined)
