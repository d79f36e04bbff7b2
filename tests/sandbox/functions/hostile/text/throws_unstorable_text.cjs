// promise: text
// attack: throws an error whose every part is hostile: endless, unstorable, a getter that throws
// outcome: failed/error
exports.handler = () => {
  const error = new Error(`\0\ud800${'x'.repeat(1e6)}`);
  error.name = `\0${'N'.repeat(1e5)}`;
  error.stack = `\0\ud800\n    at evil (<script>:1:1)\n`.repeat(1e4);
  error.code = `\0${'C'.repeat(1e5)}`;
  Object.defineProperty(error, 'cause', {
    get() {
      throw error;
    },
  });
  throw error;
};
