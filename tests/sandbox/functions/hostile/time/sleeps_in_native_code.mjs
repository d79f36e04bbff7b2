// promise: time
// attack: waits in a call that no JavaScript can interrupt
// limits: {"timeout_s": 1}
// outcome: timed_out/time
export default () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
