class Hostile extends Error {}
for (const name of ['message', 'stack', 'name', 'code', 'cause', 'errors', 'syscall', 'port']) {
  Object.defineProperty(Hostile.prototype, name, {
    get() {
      throw new Error(`reading ${name}`);
    },
  });
}
export default () => {
  const error = new Hostile();
  delete error.stack;
  throw error;
};
