// reason: error
// hint: Declare it with let
export default () => { const a = 1; a = 2 }
