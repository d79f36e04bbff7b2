// reason: error
// hint: can be gone through
export default () => { const [a] = undefined }
