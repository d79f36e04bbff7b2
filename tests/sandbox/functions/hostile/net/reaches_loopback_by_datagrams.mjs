// promise: net.loopback
// attack: asks the machine's own resolver, which is on its loopback, by a datagram
// network: outbound
import dgram from 'node:dgram';
import { verdict } from './attack.cjs';
const QUERY = Buffer.from('1234010000010000000000000161047465737400000100 01'.replace(' ', ''), 'hex');
const ask = (address) =>
  new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    const end = (answer) => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => end(false), 1000);
    socket.on('message', () => end(`${address} answers`)).on('error', () => end(false));
    socket.connect(53, address, (error) => (error ? end(false) : socket.send(QUERY)));
  });
export default async () => verdict(await Promise.all(['127.0.0.53', '127.0.0.1'].map(ask)));
