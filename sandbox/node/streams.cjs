'use strict';
// Replaces process.stdout and process.stderr by streams whose every write is done, in order, when it
// returns.

// `output(fd, bytes)` writes and announces. A stream is made when it is first used: loading node:stream
// takes a while.
function replaceStreams(output) {
  for (const [name, fd] of [
    ['stdout', 1],
    ['stderr', 2],
  ]) {
    let stream;
    const get = () => (stream ??= openStream(fd, output));
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get });
  }
}

function openStream(fd, output) {
  const { Writable } = require('node:stream');
  const stream = new Writable({
    autoDestroy: false,
    emitClose: false,
    write(bytes, encoding, done) {
      output(fd, bytes);
      done();
    },
  });
  stream.fd = fd;
  stream._type = 'pipe';
  // As in Node: the standard streams can be ended, never destroyed.
  stream._destroy = (error, done) => done(error);
  stream.destroy = () => stream;
  return stream;
}

module.exports = { replaceStreams };
