// Keeps <time data-relative> ("in 6 min", "3 h ago") and <time data-timer> (seconds since) true while a page is open.
const UNITS = [["day", 86400], ["h", 3600], ["min", 60], ["s", 1]];

// The same words as in web/show.py.
function relative(seconds) {
  const size = Math.abs(seconds);
  if (size < 5) return seconds > 0 ? "now" : "just now";
  const [unit, length] = UNITS.find(([, one]) => size >= one);
  const count = Math.floor(size / length);
  const text = `${count} ${unit}${unit === "day" && count > 1 ? "s" : ""}`;
  return seconds > 0 ? `in ${text}` : `${text} ago`;
}

function elapsed(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function update() {
  if (document.hidden) return;
  const now = Date.now();
  for (const element of document.querySelectorAll("time[data-relative]")) {
    set(element, relative((Date.parse(element.dateTime) - now) / 1000));
  }
  for (const element of document.querySelectorAll("time[data-timer]")) {
    set(element, elapsed((now - Date.parse(element.dateTime)) / 1000));
  }
}

update();
setInterval(update, 1000);
document.addEventListener("htmx:after:swap", update);
document.addEventListener("visibilitychange", update);

// The browser's own zone, for forms that offer it.
for (const field of document.querySelectorAll("[data-browser-zone]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone) continue;
  field.value = zone;
  field.closest("[data-needs-zone]")?.removeAttribute("hidden");
}
