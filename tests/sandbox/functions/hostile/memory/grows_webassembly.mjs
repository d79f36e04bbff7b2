// promise: memory
// attack: the same with memories of WebAssembly
// limits: {"memory_mb": 128}
// outcome: failed/memory | failed/error
export default () => {
  const all = [];
  for (;;) {
    const memory = new WebAssembly.Memory({ initial: 128 });
    new Uint8Array(memory.buffer).fill(1);
    all.push(memory);
  }
};
