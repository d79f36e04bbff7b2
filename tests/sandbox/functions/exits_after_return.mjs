export default async () => {
  setTimeout(() => process.exit(4), 10);
  return 'done';
};
