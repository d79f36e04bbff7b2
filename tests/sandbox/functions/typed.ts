interface Event {
  id: string;
}
export default async (event: Event): Promise<string> => event.id as string;
