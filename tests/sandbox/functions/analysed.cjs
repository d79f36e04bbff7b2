const pad = require('left-pad');
const { join } = require('node:path');
const local = require(`./local.cjs`);
const chosen = require(process.env.PLUGIN);
const where = require.resolve('@acme/data/file.json');
module.exports = { handler: () => [pad, join, local, chosen, where] };
