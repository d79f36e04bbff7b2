// promise: memory
// attack: catches each refusal of memory and asks again
// limits: {"memory_mb": 128, "timeout_s": 3}
// outcome: failed/memory | timed_out/time
export default () => {
  const all = [];
  for (let size = 1 << 26; ; ) {
    try {
      all.push(Buffer.alloc(size, 1));
    } catch {
      size = Math.max(size >> 1, 4096);
    }
  }
};
