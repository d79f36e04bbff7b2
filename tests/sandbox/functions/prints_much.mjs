export default () => {
  const line = `${'x'.repeat(1023)}\n`;
  for (let count = 0; count < 3000; count += 1) process.stdout.write(line);
  process.exit(1);
};
