// reason: load
// hint: waits at its top level
require('./later.mjs')
exports.handler = () => 1
