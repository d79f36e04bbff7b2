// reason: error
// hint: only once
export default async () => { const r = new Response('{}'); await r.json(); await r.json() }
