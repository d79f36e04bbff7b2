process.on('exit', () => {
  console.log('goodbye');
  process.exit(9);
});
export default async () => 'done';
