// promise: result
// attack: returns thirty megabytes
// outcome: failed/result
export default () => 'x'.repeat(3e7);
