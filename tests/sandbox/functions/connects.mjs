import { connect } from 'node:net';
export default (event) =>
  new Promise((resolve, reject) => connect(event.port, event.host).on('connect', resolve).on('error', reject));
