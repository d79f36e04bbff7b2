// reason: load
// hint: with { type: "json" }
import a from './data.json'
export default () => a
