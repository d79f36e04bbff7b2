// reason: error
// hint: thrown in a callback
export default async () => {
  setTimeout(() => { throw new Error('late') }, 5);
  await new Promise((d) => setTimeout(d, 50));
};
