// Sends the event `refresh` to each [data-refresh] element: every data-refresh seconds (5 if empty) while the page
// is looked at, once a minute when nobody has touched it for five minutes, never while it is hidden.
// The element says what that means: hx-get="…" hx-trigger="refresh" hx-swap="outerMorph". It stops when the
// server answers with an element that has no data-refresh.
const IDLE_AFTER_MS = 5 * 60_000;
const IDLE_EVERY_MS = 60_000;
const lastSent = new WeakMap();
let lastTouched = Date.now();

for (const kind of ["pointermove", "keydown", "scroll", "visibilitychange"]) {
  document.addEventListener(kind, () => { lastTouched = Date.now(); }, { passive: true, capture: true });
}

function due(element, now) {
  if (!lastSent.has(element)) lastSent.set(element, now); // it was rendered a moment ago
  const wanted = (Number(element.dataset.refresh) || 5) * 1000;
  const every = now - lastTouched > IDLE_AFTER_MS ? Math.max(IDLE_EVERY_MS, wanted) : wanted;
  return now - lastSent.get(element) >= every;
}

export function refreshNow() {
  for (const element of document.querySelectorAll("[data-refresh]")) send(element, Date.now());
}

function send(element, now) {
  lastSent.set(element, now);
  element.dispatchEvent(new Event("refresh"));
}

setInterval(() => {
  if (document.hidden) return;
  const now = Date.now();
  for (const element of document.querySelectorAll("[data-refresh]")) {
    if (due(element, now)) send(element, now);
  }
}, 1000);

document.addEventListener("hexasched:refresh", refreshNow);
