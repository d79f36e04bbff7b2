// promise: net.routes
// attack: removes the routes that close its network, and takes the interface down
// network: outbound
const { syscalls } = require('./syscalls.cjs');
const { verdict } = require('./attack.cjs');
// rtnetlink(7): a header of 16 bytes, rtmsg of 12, and the attribute RTA_DST with the network.
function removal(network, bits) {
  const message = Buffer.alloc(36);
  message.writeUInt32LE(36, 0);
  message.writeUInt16LE(25, 4); // RTM_DELROUTE
  message.writeUInt16LE(5, 6); // a request that wants an answer
  message[16] = 2;
  message[17] = bits;
  message[20] = 254; // the main table
  message[23] = 7; // unreachable
  message.writeUInt16LE(8, 28);
  message.writeUInt16LE(1, 30);
  Buffer.from(network).copy(message, 32);
  return message;
}
exports.handler = () => {
  const to = Buffer.alloc(12);
  to.writeUInt16LE(16);
  const answer = Buffer.alloc(64);
  const message = removal([169, 254, 0, 0], 16);
  const [socket, sent, got] = syscalls([
    ['socket', 16, 3, 0],
    ['sendto', { answer: 0 }, message, message.length, 0, to, 12],
    ['recvfrom', { answer: 0 }, answer, 64, 0x40, 0, 0],
  ]);
  if (socket < 0 || sent < 0 || got < 20) return verdict(`no answer: ${[socket, sent, got]}`);
  return verdict(answer.readInt32LE(16) === 0 && 'it removed a route');
};
