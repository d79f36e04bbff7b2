const refuse = () => {
  throw new Error('trap');
};
const traps = { get: refuse, has: refuse, ownKeys: refuse, getPrototypeOf: refuse, getOwnPropertyDescriptor: refuse };
export default () => {
  throw new Proxy(new Error('inside'), traps);
};
