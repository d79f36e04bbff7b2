import { connect } from 'node:net';
export default async (event) => {
  const socket = connect(event.port, event.host);
  if (event.settled) await new Promise((resolve) => socket.on('connect', resolve));
  return 'done';
};
