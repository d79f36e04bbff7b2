// promise: memory
// attack: doubles a string for ever, and flattens it
// limits: {"memory_mb": 128}
// outcome: failed/memory | failed/error
export default () => {
  const all = [];
  for (let text = 'x'.repeat(1000); ; text += text) all.push(Buffer.from(text, 'utf16le'), text);
};
