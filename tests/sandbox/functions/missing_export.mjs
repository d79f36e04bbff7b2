import { sepp } from 'node:path';
export default () => sepp;
