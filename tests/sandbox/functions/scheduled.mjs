export default {
  prefix: 'id ',
  async scheduled(event) {
    return this.prefix + event.id;
  },
};
