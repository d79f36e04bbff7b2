export default async (event) => {
  const response = await fetch(event.url);
  return response.json();
};
