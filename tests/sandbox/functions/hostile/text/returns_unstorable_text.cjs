// promise: text
// attack: returns text that no database takes: NUL, halves of characters
// result: ["\ufffd","\ufffd"]
exports.handler = () => ['\0', '\ud800'];
