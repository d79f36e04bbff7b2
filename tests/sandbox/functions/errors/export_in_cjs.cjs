// reason: load
// hint: This file is loaded as CommonJS
exports.handler = () => 1
export default 1
