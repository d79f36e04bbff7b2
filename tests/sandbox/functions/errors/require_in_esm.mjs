// reason: load
// hint: This file is an ES module
const fs = require('fs')
export default () => 1
