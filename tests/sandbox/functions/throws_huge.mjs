export default () => {
  throw new Error(`begin\0\ud800${'ä'.repeat(3_000_000)}`);
};
