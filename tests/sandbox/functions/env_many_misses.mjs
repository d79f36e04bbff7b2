export default () => {
  for (let count = 0; count < 100_000; count += 1) process.env[`NAME_${count}`];
  return 'done';
};
