// reason: error
// hint: value.trim()
export default () => new Headers({ authorization: 'a\nb' })
