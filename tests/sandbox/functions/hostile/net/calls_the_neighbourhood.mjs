// promise: net.metadata
// attack: sends datagrams to everybody in the machine's network at once
// network: outbound
import dgram from 'node:dgram';
import { verdict } from './attack.cjs';
const send = (address) =>
  new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    socket.bind(() => {
      socket.setBroadcast(true);
      socket.send('x', 5353, address, (error) => {
        socket.close();
        resolve(!error && `a datagram went to ${address}`);
      });
    });
  });
export default async () => verdict(await Promise.all(['224.0.0.251', '239.255.255.250'].map(send)));
