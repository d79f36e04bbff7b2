BigInt.prototype.toJSON = function () {
  return String(this);
};
export default () => ({ count: 12n });
