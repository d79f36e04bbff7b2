// reason: error
// hint: No DNS server answered
export default () => fetch('http://mail.example.invalid/')
