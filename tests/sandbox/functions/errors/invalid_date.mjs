// reason: error
// hint: The Date is not valid
export default () => new Date('x').toISOString()
