const cyclic = {};
cyclic.self = cyclic;

const nested = (depth) => (depth ? [nested(depth - 1)] : 1);

function endless() {
  let value = [];
  for (let depth = 0; depth < 100_000; depth += 1) value = [value];
  return value;
}

const RESULTS = {
  nothing: () => undefined,
  function: () => () => 1,
  cyclic: () => cyclic,
  bigint: () => ({ count: 1n }),
  big: () => 'x'.repeat(300 * 1024),
  largest: () => 'x'.repeat(256 * 1024 - 2),
  deep: () => nested(101),
  deepest: () => nested(100),
  endless,
  brackets_in_text: () => '[{'.repeat(500) + '\\"',
  throwing: () => ({
    get total() {
      throw new Error('no total');
    },
  }),
  unstorable: () => ({ 'a\0': 'b\ud800c', slash: '\\u0000 \\\\ud800', good: '😀' }),
};

exports.handler = (event) => RESULTS[event.kind]();
