export default async () => {
  throw 'mail not sent';
};
