'use strict';
// context.kv and context.once: what a function keeps between its runs.

const MAX_KEY = 256;
const VALUE = { what: 'value', verb: 'Keep', most: 64 * 1024 };
const DAY_S = 24 * 60 * 60;
const TTL_S = 30 * DAY_S;
const MAX_TTL_S = 400 * DAY_S;
const CONTROL = /[\0-\x1f\x7f\p{Surrogate}]/u;
const CROWDED = ['KV_BUSY', 'KV_RATE'];
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;
// Before the time limit, so that the handler can still say something.
const MARGIN_MS = 500;

// Bound before user code runs, which may replace it.
const later = setTimeout;
const pause = (ms) => new Promise((done) => later(done, ms));

class KvError extends Error {
  // `asked` is an Error made where the code called us: an answer comes without the place that it is for.
  constructor(code, message, asked = null) {
    super(message);
    this.name = 'KvError';
    this.code = code;
    const frames = asked && String(asked.stack).split('\n').slice(1);
    if (frames) this.stack = [`KvError: ${message}`, ...frames].join('\n');
  }
}

function keyed(key, what = 'key') {
  if (typeof key !== 'string') throw new KvError('KV_KEY', `A ${what} is a text, not ${typeof key}.`);
  if (key === '' && what === 'key') throw new KvError('KV_KEY', 'A key has at least one character.');
  if (key.length > MAX_KEY) throw new KvError('KV_KEY', `The ${what} has ${key.length} characters; at most ${MAX_KEY} are possible.`);
  if (CONTROL.test(key)) throw new KvError('KV_KEY', `The ${what} has a control character or half a character in it.`);
  return key;
}

function lifetime(options) {
  const seconds = options?.ttlSeconds ?? TTL_S;
  if (typeof seconds === 'number' && seconds >= 1 && seconds <= MAX_TTL_S) return Math.ceil(seconds);
  throw new KvError('KV_TTL', `ttlSeconds is a number from 1 to ${MAX_TTL_S} (400 days).`);
}

// `asks` comes from asks.cjs, `toJson(value, words)` is result.cjs's checkedJson; `remaining()` is the time that the run
// has left, in milliseconds.
function openKv({ asks, toJson, remaining }) {
  let calls = 0;

  function send(op, key, fields) {
    const asked = new Error();
    return new Promise((resolve, reject) => {
      asks.ask({ op, key, ...fields }, (answer) => {
        if (answer.error) reject(new KvError(answer.error, answer.message, asked));
        else resolve(answer);
      });
    });
  }

  function json(value) {
    const { json, refused } = toJson(value, VALUE);
    if (refused) throw new KvError('KV_VALUE', refused.join(' '));
    return json;
  }

  const kv = {
    async get(key) {
      const { value } = await send('get', keyed(key));
      return value === null ? undefined : JSON.parse(value);
    },
    async set(key, value, options) {
      if (value === undefined) throw new KvError('KV_VALUE', 'undefined is not JSON. To remove a key: context.kv.delete(key)');
      await send('set', keyed(key), { value: json(value), ttl_s: lifetime(options) });
    },
    async delete(key) {
      return (await send('delete', keyed(key))).deleted;
    },
    async list(prefix = '') {
      return [...(await send('list', keyed(prefix, 'prefix'))).keys];
    },
  };

  // Like send, but waits where too much is asked at once: what is under way must not fail for that.
  async function insist(op, key, fields) {
    for (;;) {
      try {
        return await send(op, key, fields);
      } catch (error) {
        if (!CROWDED.includes(error.code) || remaining() < MARGIN_MS) throw error;
        await pause(FIRST_PAUSE_MS);
      }
    }
  }

  // Resolves when the work is ours to do (null), or done (its result as JSON).
  async function turn(key, claim) {
    for (let wait = FIRST_PAUSE_MS; ; wait = Math.min(2 * wait, LONGEST_PAUSE_MS)) {
      const { state, value, by } = await insist('begin', key, claim);
      if (state !== 'held') return value;
      if (remaining() < wait + MARGIN_MS)
        throw new KvError('KV_HELD', `${by ? `Run ${by}` : 'Another run'} is still at “${key}” (context.once), and the time of this run is nearly over.`);
      await pause(wait);
    }
  }

  async function work(key, claim, action) {
    let result;
    try {
      result = await action();
    } catch (error) {
      // If this fails too, the end of the run sets the key free.
      await insist('drop', key, claim).catch(() => {});
      throw error;
    }
    const kept = keepable(result);
    await insist('done', key, { ...claim, value: kept.json });
    if (kept.error) throw kept.error;
    return JSON.parse(kept.json);
  }

  // What was done is done, also if its result can't be kept: doing it again would be worse.
  function keepable(result) {
    try {
      return { json: json(result) };
    } catch (error) {
      error.message += ' The function of context.once has run all the same; later calls get null.';
      return { json: 'null', error };
    }
  }

  async function once(key, action, options) {
    keyed(key);
    if (typeof action !== 'function') throw new KvError('KV_CALL', 'Write: await context.once(key, async () => { … })');
    calls += 1;
    const claim = { token: calls, ttl_s: lifetime(options) };
    const value = await turn(key, claim);
    return value === null ? work(key, claim, action) : JSON.parse(value);
  }

  return { kv, once };
}

module.exports = { openKv };
