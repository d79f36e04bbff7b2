'use strict';
// Talks to the keeper: reads the control frame from fd 4, writes order records, requests and the result
// frame on fd 3.

const RESULT_FD = 3;
const CONTROL_FD = 4;
const ORDER = { 1: 'O', 2: 'E' };

const clock = new Int32Array(new SharedArrayBuffer(4));
const { get: lengthGetter } = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  'length',
);
const lengthOf = (bytes) => Reflect.apply(lengthGetter, bytes, []);

// `host` gives readSync, writeSync, allocate(n), wipe(bytes), decode, byteLength and encode(text) of the main realm, taken
// before user code ran.
function openPipes(host) {
  function writeAll(fd, bytes) {
    const length = lengthOf(bytes);
    for (let offset = 0; offset < length;) {
      try {
        offset += host.writeSync(fd, bytes, offset);
      } catch (error) {
        // A child process that shares the pipe may have made it non-blocking.
        if (error.code !== 'EAGAIN') throw error;
        Atomics.wait(clock, 0, 0, 1);
      }
    }
  }

  function readExactly(length) {
    const bytes = host.allocate(length);
    for (let offset = 0; offset < length;) {
      const got = host.readSync(CONTROL_FD, bytes, offset, length - offset);
      if (got === 0) return null;
      offset += got;
    }
    return bytes;
  }

  function writeFrame(kind, text) {
    // At once: each write wakes the keeper.
    writeAll(RESULT_FD, host.encode(`${kind} ${host.byteLength(text)}\n${text}`));
  }

  return {
    ready() {
      writeAll(RESULT_FD, host.encode('R\n'));
    },

    // Waits for the control frame's text; null when the keeper closed the pipe because it needs this process
    // no more.
    receive() {
      const header = readExactly(4);
      const size = header && ((header[0] * 256 + header[1]) * 256 + header[2]) * 256 + header[3];
      const body = header && readExactly(size);
      if (!body) return null;
      const text = host.decode(body, 0, size);
      host.wipe(body);
      return text;
    },

    // Writes a chunk of stdout (1) or stderr (2), announced so that the keeper can put both in order.
    output(fd, bytes) {
      if (lengthOf(bytes) === 0) return;
      try {
        writeAll(RESULT_FD, host.encode(`${ORDER[fd]} ${lengthOf(bytes)}\n`));
        writeAll(fd, bytes);
      } catch {
        // The code closed the descriptor, or the keeper is gone: a log line never fails a run.
      }
    },

    frame: (text) => writeFrame('F', text),
    request: (text) => writeFrame('Q', text),
  };
}

module.exports = { openPipes };
