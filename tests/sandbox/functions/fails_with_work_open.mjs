export default async () => {
  setInterval(() => {}, 1000);
  throw new Error('first');
};
