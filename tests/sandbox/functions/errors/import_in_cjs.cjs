// reason: load
// hint: This file is loaded as CommonJS
import fs from 'fs'
exports.handler = () => 1
