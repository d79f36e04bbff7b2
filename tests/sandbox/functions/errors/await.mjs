// reason: load
// hint: Write async
export default () => { await 1 }
