'use strict';
// Finds which environment variables a source reads, and whether each read has a fallback.

const { literal, property } = require('./walk.cjs');

const GLOBALS = new Set(['globalThis', 'global']);
const COMPARISONS = new Set(['==', '===', '!=', '!==']);
const TRANSPARENT = new Set(['ChainExpression', 'ParenthesizedExpression']);

const keyName = (node) => (node.computed ? literal(node.key) : (node.key.name ?? literal(node.key)));

// throw or process.exit(…), alone or directly in a block: what a check for a required variable does.
function leaves(statement) {
  if (!statement) return false;
  if (statement.type === 'BlockStatement') return statement.body.some(leaves);
  const call = statement.type === 'ExpressionStatement' && statement.expression;
  return (
    statement.type === 'ThrowStatement' ||
    (call?.type === 'CallExpression' && property(call.callee) === 'exit')
  );
}

// Whether the value of `node`, used by `parent`, may be missing: true, false, or null if what is above
// decides.
function tolerates(node, parent) {
  switch (parent.type) {
    case 'LogicalExpression':
      return parent.left === node ? true : null;
    case 'AssignmentExpression':
      return parent.left === node && parent.operator !== '=';
    case 'MemberExpression':
      return parent.object === node && parent.optional;
    case 'IfStatement':
      return !leaves(parent.consequent) && !leaves(parent.alternate);
    case 'ConditionalExpression':
      return parent.test === node ? true : null;
    case 'UnaryExpression':
      return parent.operator === 'typeof' || (parent.operator === '!' ? null : false);
    case 'BinaryExpression':
      return COMPARISONS.has(parent.operator) ? null : false;
    case 'CallExpression':
      return parent.callee.name === 'Boolean';
    default:
      return TRANSPARENT.has(parent.type) ? null : false;
  }
}

const isTest = ({ type, operator }) =>
  (type === 'UnaryExpression' && operator === '!') ||
  (type === 'BinaryExpression' && COMPARISONS.has(operator));

// Whether the read at `at` copes with a variable that is not set.
function hasFallback(at) {
  let tested = false;
  for (let here = at; here.parent; here = here.parent) {
    const parent = here.parent.node;
    const verdict = tolerates(here.node, parent);
    // A bare !x or x === "…" is content with undefined, unless an if around it throws.
    if (verdict === false) return tested && parent.type !== 'IfStatement';
    if (verdict === true) return true;
    tested ||= isTest(parent);
  }
  return false;
}

// Collects reads while a tree is walked: `visit(at)` for each node, then `found` = [{name, line,
// optional}].
function openEnvFinder() {
  const found = [];
  const envNames = new Set();
  const processNames = new Set(['process']);

  function isProcess(node) {
    if (node?.type === 'Identifier') return processNames.has(node.name);
    return property(node) === 'process' && GLOBALS.has(node.object.name);
  }

  function isEnv(node) {
    if (node?.type === 'Identifier') return envNames.has(node.name);
    return property(node) === 'env' && isProcess(node.object);
  }

  function add(name, node, optional) {
    if (name) found.push({ name, line: node.loc.start.line, optional });
  }

  // const { A, B = "x" } = process.env, and const { env, env: { A } } = process
  function destructured(pattern, fromProcess) {
    for (const entry of pattern.properties) {
      if (entry.type !== 'Property') continue;
      const optional = entry.value.type === 'AssignmentPattern';
      const target = optional ? entry.value.left : entry.value;
      if (!fromProcess) add(keyName(entry), entry, optional);
      else if (keyName(entry) === 'env') bound(target, 'env');
    }
  }

  // `target` (a name or a pattern) becomes process or process.env.
  function bound(target, what) {
    if (target.type === 'ObjectPattern') destructured(target, what === 'process');
    else if (target.type === 'Identifier') (what === 'env' ? envNames : processNames).add(target.name);
  }

  function binding(target, value) {
    if (isEnv(value)) bound(target, 'env');
    else if (isProcess(value)) bound(target, 'process');
  }

  function imported(node) {
    if (!/^(?:node:)?process$/.test(node.source.value)) return;
    for (const specifier of node.specifiers) {
      const whole = specifier.type !== 'ImportSpecifier' || specifier.imported.name === 'default';
      if (whole) bound(specifier.local, 'process');
      else if (specifier.imported.name === 'env') bound(specifier.local, 'env');
    }
  }

  function read(at) {
    const { node, parent } = at;
    const assigned =
      parent.node.type === 'AssignmentExpression' &&
      parent.node.left === node &&
      parent.node.operator === '=';
    const deleted = parent.node.type === 'UnaryExpression' && parent.node.operator === 'delete';
    if (!assigned && !deleted) add(property(node), node, hasFallback(at));
  }

  function visit(at) {
    const { node } = at;
    if (node.type === 'ImportDeclaration') imported(node);
    else if (node.type === 'VariableDeclarator') binding(node.id, node.init);
    else if (node.type === 'AssignmentExpression' || node.type === 'AssignmentPattern')
      binding(node.left, node.right);
    else if (node.type === 'MemberExpression' && isEnv(node.object)) read(at);
  }

  return { visit, found };
}

module.exports = { openEnvFinder };
