export default (event) => event.id;
