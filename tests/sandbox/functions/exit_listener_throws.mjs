process.on('exit', () => {
  throw new Error('in the exit listener');
});
export default async () => 'done';
