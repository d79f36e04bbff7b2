const { sep } = require('node:path');
module.exports = (event) => event.id + sep.slice(1);
