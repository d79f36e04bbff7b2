export default async (event, context) => {
  console.log('waiting');
  const hold = setInterval(() => {}, 1000);
  await new Promise((resolve) => process.on('SIGTERM', resolve));
  clearInterval(hold);
  return context.signal.aborted;
};
