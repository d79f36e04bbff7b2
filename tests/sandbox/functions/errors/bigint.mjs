// reason: result
// hint: Return String(value)
export default () => ({ n: 10n })
