// <span data-local-time="2026-11-30T08:00:00Z" data-unless="Europe/Berlin"> says that moment in the browser's zone,
// unless that is the zone it has been said in already.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const format = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

function fill() {
  for (const place of document.querySelectorAll("[data-local-time]:empty")) {
    if ([place.dataset.unless, "UTC"].includes(zone)) continue;
    place.textContent = `${place.dataset.lead}${format.format(new Date(place.dataset.localTime))} ${zone}`;
  }
}

fill();
document.addEventListener("htmx:after:swap", fill);
