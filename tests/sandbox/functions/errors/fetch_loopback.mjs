// reason: error
// hint: sandbox.loopback_ports
export default () => fetch('http://localhost:5999/')
