// promise: result
// attack: puts status, uid and exit code into its result, for a reader that merges
// result: {"status":"succeeded","reason":"user","uid":0,"exit_code":0,"__proto__x":1}
export default () => ({ status: 'succeeded', reason: 'user', uid: 0, exit_code: 0, __proto__x: 1 });
