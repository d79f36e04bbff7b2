'use strict';
// Finds what a source imports and which handler it exports.

const { builtinModules } = require('node:module');
const { packageName } = require('./missing.cjs');
const { literal, property } = require('./walk.cjs');

const BUILTIN = new Set(builtinModules);

const isBuiltin = (specifier) => specifier.startsWith('node:') || BUILTIN.has(specifier);

// The specifier of an import, export … from, import(), require() or require.resolve(); null for anything
// else.
function specifierOf(node) {
  if (node.type === 'CallExpression') {
    const { callee } = node;
    const name =
      callee.type === 'MemberExpression' && property(callee) === 'resolve' ? callee.object.name : callee.name;
    return name === 'require' ? literal(node.arguments[0]) : null;
  }
  return /^(?:Import|Export)/.test(node.type) && node.source ? literal(node.source) : null;
}

// Collects imports while a tree is walked: `visit(at)`, then `found` = [{specifier, package, builtin,
// relative, line}].
function openImportFinder() {
  const found = [];
  function visit({ node }) {
    const specifier = specifierOf(node);
    if (specifier === null) return;
    const builtin = isBuiltin(specifier);
    const relative = /^[./#]/.test(specifier);
    const name = builtin || relative ? null : packageName(specifier);
    found.push({ specifier, package: name, builtin, relative, line: node.loc.start.line });
  }
  return { visit, found };
}

function declaredNames(declaration) {
  if (!declaration) return [];
  return declaration.declarations ? declaration.declarations.map(({ id }) => id.name) : [declaration.id.name];
}

// The names that an `export` statement or a CommonJS assignment exports; "module" for module.exports
// itself.
function exportedNames(node) {
  if (node.type === 'ExportDefaultDeclaration') return ['default'];
  if (node.type === 'ExportNamedDeclaration') {
    const specifiers = node.specifiers.map(({ exported }) => exported.name ?? exported.value);
    return [...specifiers, ...declaredNames(node.declaration)];
  }
  if (node.type !== 'AssignmentExpression') return [];
  return assignedNames(node.left, node.right);
}

const isModuleExports = (node) => property(node) === 'exports' && node.object.name === 'module';

function assignedNames(target, value) {
  if (isModuleExports(target)) {
    const keys =
      value.type === 'ObjectExpression' ? value.properties.map(({ key }) => key?.name ?? key?.value) : [];
    return ['module', ...keys];
  }
  const owner = target.object;
  return owner && (owner.name === 'exports' || isModuleExports(owner)) ? [property(target)] : [];
}

// Collects exports while a tree is walked: `visit(at)`, then `handler()` = "default", "handler", "module"
// or null.
function openHandlerFinder() {
  const names = new Set();
  return {
    visit: ({ node }) => exportedNames(node).forEach((name) => names.add(name)),
    handler() {
      const found = ['handler', 'default'].find((name) => names.has(name));
      return found ?? (names.has('module') || names.has('scheduled') ? 'module' : null);
    },
  };
}

module.exports = { openHandlerFinder, openImportFinder };
