// reason: error
// hint: The text is not JSON
export default () => JSON.parse("{'a': 1}")
