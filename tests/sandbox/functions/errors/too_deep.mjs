// reason: result
// hint: flatter
export default () => { let a = []; for (let i = 0; i < 200; i++) a = [a]; return a }
