// reason: error
// hint: http:// and https:// only
export default () => fetch('ftp://example.com')
