import { sep } from 'node:path';
exports.handler = () => sep;
