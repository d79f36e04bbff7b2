const subject = 'Daily summary';
const body = = 'none';
export default () => subject + body;
