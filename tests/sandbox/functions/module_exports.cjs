module.exports = (event) => event.id;
