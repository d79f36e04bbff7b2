const { sep } = require('node:path');
const stripe = require('@acme/stripe/client');
exports.handler = () => stripe && sep;
