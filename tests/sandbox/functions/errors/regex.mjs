// reason: error
// hint: have a meaning in a regular expression
export default () => new RegExp('(')
