export default async () => {
  process.exitCode = 2;
};
