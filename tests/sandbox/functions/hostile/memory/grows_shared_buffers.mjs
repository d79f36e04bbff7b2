// promise: memory
// attack: the same with memory that threads could share
// limits: {"memory_mb": 128}
// outcome: failed/memory | failed/error
export default () => {
  const all = [];
  for (;;) all.push(new Uint8Array(new SharedArrayBuffer(8e6)).fill(1));
};
