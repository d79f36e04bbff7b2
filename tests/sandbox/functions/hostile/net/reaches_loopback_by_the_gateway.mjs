// promise: net.loopback
// attack: connects to the gateway and the resolver of its network, which may stand for the machine's loopback
// network: outbound
import { reach, verdict } from './attack.cjs';
const GATEWAYS = ['192.0.0.1', '192.0.0.3', 'fd1c:7a5e:93d0::1', 'fd1c:7a5e:93d0::3'];
export default async () => {
  const answers = await Promise.all(GATEWAYS.map((host) => reach({ host, port: 1026 })));
  return verdict(answers.map((answer, index) => /hello from (127|::1$)/.test(answer) && `${GATEWAYS[index]}: ${answer}`));
};
