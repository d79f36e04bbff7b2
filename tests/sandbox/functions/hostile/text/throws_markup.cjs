// promise: text
// attack: throws markup and a template, in every field that a page shows
// outcome: failed/error
exports.handler = () => {
  const evil = '<script>alert(1)</script>{{7*7}}${7*7}';
  throw Object.assign(new TypeError(evil), { code: evil, hostname: evil, path: evil });
};
