export default async () => {
  console.log('one');
  console.error('two ä');
  process.stdout.write('three');
  process.stdout.write('');
  process.stderr.write(Buffer.from('four'), () => process.stdout.write('five\n'));
};
