// reason: load
// hint: Add nodemailer to the function's packages
import x from 'nodemailer'
export default () => 1
