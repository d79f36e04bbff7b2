const count: number = 1;
  const size: = 2;
export default () => count + size;
