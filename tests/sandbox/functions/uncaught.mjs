export default () =>
  new Promise(() => {
    setTimeout(() => {
      throw new TypeError('in a timer');
    }, 5);
  });
