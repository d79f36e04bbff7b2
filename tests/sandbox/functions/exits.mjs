export default async () => {
  process.exit(3);
};
