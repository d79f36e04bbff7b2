// reason: error
// hint: not in PEM form
import c from 'node:crypto'
export default () => c.createPrivateKey('-----BEGIN PRIVATE KEY-----\\nabc\\n-----END PRIVATE KEY-----')
