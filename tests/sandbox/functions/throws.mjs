function send() {
  throw new RangeError('quota is used up');
}
export default async () => send();
