// reason: error
// hint: There is no file data/customers.csv
import fs from 'node:fs'
export default () => fs.readFileSync('data/customers.csv')
