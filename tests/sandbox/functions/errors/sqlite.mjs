// reason: error
// hint: :memory:
import { DatabaseSync } from 'node:sqlite'
export default () => new DatabaseSync('data.db')
