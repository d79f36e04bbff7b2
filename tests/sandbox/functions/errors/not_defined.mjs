// reason: error
// hint: Nothing is called fetchh
export default () => fetchh('x')
