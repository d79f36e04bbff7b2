export default async () => {
  process.stderr.destroy();
  console.error('still here');
  process.stdout.end('last words\n');
  return [process.stdout.fd, process.stderr.fd, process.stdout.isTTY ?? null];
};
