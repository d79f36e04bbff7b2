export const handler = 'later';
