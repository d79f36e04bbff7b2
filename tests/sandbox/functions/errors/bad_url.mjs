// reason: error
// hint: not a complete address
export default () => new URL('example.com/x')
