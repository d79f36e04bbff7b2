import { help } from './util.mjs';
export default () => help();
