export default async () => {
  throw { status: 502, body: 'x'.repeat(5000) };
};
