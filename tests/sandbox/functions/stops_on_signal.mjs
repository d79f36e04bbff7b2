export default async (event, { signal }) => {
  console.log('waiting');
  const hold = setInterval(() => {}, 1000);
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  clearInterval(hold);
  return signal.reason.name;
};
