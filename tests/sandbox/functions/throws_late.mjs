export default async () => {
  setTimeout(() => Promise.reject(new Error('mail refused')), 20);
  return 'done';
};
