// reason: error
// hint: HTML page where JSON was expected
export default () => JSON.parse('<!DOCTYPE html><html>')
