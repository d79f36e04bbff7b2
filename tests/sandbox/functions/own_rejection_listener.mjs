process.on('unhandledRejection', (error) => console.log('own listener:', error.message));
export default async () => {
  Promise.reject(new Error('expected'));
  await new Promise((resolve) => setTimeout(resolve, 20));
  return 'done';
};
