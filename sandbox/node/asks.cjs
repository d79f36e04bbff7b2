'use strict';
// Asks the service something while the function runs: one frame each on fd 3, answered by a frame on fd 4.

const CONTROL_FD = 4;
const HEADER = 4;
const MAX_OPEN = 8;
const MAX_A_SECOND = 50;

const BUSY = `At most ${MAX_OPEN} calls of context.kv can be under way at the same time. Await some before the next.`;
const FAST = `At most ${MAX_A_SECOND} calls of context.kv can be made in a second. Keep what belongs together in one value.`;

const OVER = 'This context belongs to a run that is over: take kv and once from the context that each run is given.';

// `host` are functions of the main realm, taken before user code ran (see bootstrap.cjs); the nonce is the
// control frame's, `isOver()` says whether its run has ended. `open()` is how many requests wait for their answer, `ask(fields, done)` makes one more:
// done(answer) is called when the answer is there, at once if it is a refusal of ours ({error, message}).
function openAsks({ host, pipes, nonce, isOver }) {
  const waiting = new Map();
  const sent = [];
  let ids = 0;
  let socket = null;
  let pending = host.allocate(0);

  function refusal() {
    if (isOver()) return { error: 'KV_OVER', message: OVER };
    if (waiting.size >= MAX_OPEN) return { error: 'KV_BUSY', message: BUSY };
    const now = host.milliseconds();
    while (sent.length && now - sent[0] >= 1000) sent.shift();
    if (sent.length >= MAX_A_SECOND) return { error: 'KV_RATE', message: FAST };
    sent.push(now);
    return null;
  }

  function settle(answer) {
    const done = waiting.get(answer.id);
    waiting.delete(answer.id);
    // With nothing to wait for the pipe must not keep the process going.
    if (waiting.size === 0) socket.unref();
    done?.(answer);
  }

  function take(chunk) {
    pending = host.concat([pending, chunk]);
    while (pending.length >= HEADER) {
      const size = ((pending[0] * 256 + pending[1]) * 256 + pending[2]) * 256 + pending[3];
      if (pending.length < HEADER + size) return;
      const text = host.decode(pending, HEADER, HEADER + size);
      pending = host.slice(pending, HEADER + size);
      settle(JSON.parse(text));
    }
  }

  function gone() {
    const message = 'The service does not answer any more.';
    for (const id of [...waiting.keys()]) settle({ id, error: 'KV_GONE', message });
  }

  return {
    open: () => waiting.size,

    ask(fields, done) {
      const refused = refusal();
      if (refused) return done(refused);
      // Opened by the first request: a run that asks nothing pays nothing.
      socket ??= host.listen(CONTROL_FD, take, gone);
      socket.ref();
      ids += 1;
      waiting.set(ids, done);
      pipes.request(JSON.stringify({ nonce, id: ids, ttl_s: 0, token: 0, ...fields }));
    },
  };
}

module.exports = { openAsks };
