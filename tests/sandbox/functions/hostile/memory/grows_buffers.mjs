// promise: memory
// attack: keeps more and more memory outside of the heap
// limits: {"memory_mb": 128}
// outcome: failed/memory | failed/error
export default () => {
  const all = [];
  for (;;) all.push(Buffer.alloc(8e6, 1));
};
