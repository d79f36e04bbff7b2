export default async () => {
  let error = new Error('level 9');
  for (let level = 8; level >= 0; level -= 1) error = new Error(`level ${level}`, { cause: error });
  throw error;
};
