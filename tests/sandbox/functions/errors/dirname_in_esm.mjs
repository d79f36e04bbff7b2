// reason: error
// hint: This file is an ES module
export default () => __dirname
