export default async () => {
  setTimeout(() => console.log('the last line'), 200);
  return 'done';
};
