// reason: result
// hint: Return only the values that matter
export default () => { const a = {}; a.a = a; return a }
