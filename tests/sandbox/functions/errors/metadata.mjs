// reason: error
// hint: metadata of a cloud
export default () => fetch('http://169.254.169.254/latest/meta-data/')
