const subject = 'Daily summary';
const body = = 'none';
module.exports = () => subject + body;
