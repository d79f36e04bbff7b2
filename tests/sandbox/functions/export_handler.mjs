export const handler = async (event) => event.id;
