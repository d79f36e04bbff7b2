export default class Summary {}
