// reason: error
// hint: Make both the same
export default () => 1n + 1
