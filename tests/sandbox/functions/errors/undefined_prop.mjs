// reason: error
// hint: What stands before .body is null
export default (event) => event.body.user
