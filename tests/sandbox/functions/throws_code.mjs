export default async (event) => {
  throw Object.assign(new Error(event.message), event.fields);
};
