import { sep } from 'node:path';
import nodemailer from 'nodemailer';
export default () => nodemailer && sep;
