'use strict';
// Walks a syntax tree once, in source order, without recursion: a long chain of + is as deep as it is long.

function children(node) {
  const found = [];
  for (const key of Object.keys(node)) {
    const value = node[key];
    for (const child of Array.isArray(value) ? value : [value]) {
      if (child && typeof child.type === 'string') found.push(child);
    }
  }
  return found;
}

// Calls `visit(at)` for each node; `at` = {node, parent}, and `parent` is the `at` of the node above (null
// at the top).
function walk(tree, visit) {
  const waiting = [{ node: tree, parent: null }];
  while (waiting.length) {
    const at = waiting.pop();
    visit(at);
    for (const node of children(at.node).reverse()) waiting.push({ node, parent: at });
  }
}

// The text of a string literal (also `…` without ${}), or null.
function literal(node) {
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node?.type === 'TemplateLiteral' && node.quasis.length === 1) return node.quasis[0].value.cooked;
  return null;
}

// "b" of a.b and of a["b"]; null for a[b] and for anything else.
function property(node) {
  if (node?.type !== 'MemberExpression') return null;
  return node.computed ? literal(node.property) : (node.property.name ?? null);
}

module.exports = { walk, literal, property };
