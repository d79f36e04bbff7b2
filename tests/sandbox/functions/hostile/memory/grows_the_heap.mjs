// promise: memory
// attack: keeps more and more objects
// limits: {"memory_mb": 128}
// outcome: failed/memory
export default () => {
  const all = [];
  for (;;) all.push({ some: [1, 2, 3] });
};
