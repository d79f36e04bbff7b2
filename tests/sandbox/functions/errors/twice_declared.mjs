// reason: load
// hint: Two things are called a
const a = 1
const a = 2
export default () => 1
