export default async () => {
  setInterval(() => {}, 1000);
  return 'done';
};
