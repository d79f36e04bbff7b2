// Follows the log of a run: <ol data-log-url="/runs/7/log" data-after="1-480">, while the page is looked at.
// The server sends Server-Sent Events: `lines` (JSON [{stream: "o" | "e" | "s", at, text, open}]), and `done` at the
// run's end. It ends each stream after a while and the browser comes back with the last event's id. A line that is
// still open comes again, whole, when it grows. Text from user code only ever becomes text nodes.
const STREAMS = { o: "out", e: "err", s: "system" };
const MOST_LINES = 5000;

for (const list of document.querySelectorAll("[data-log-url]")) follow(list);

function follow(list) {
  const pin = followSwitch(list.closest("[data-log-box]"));
  const open = new Map([...list.querySelectorAll("[data-open]")].map((row) => [row.dataset.open, row]));
  let after = list.dataset.after;
  let source;
  const start = () => {
    const url = new URL(list.dataset.logUrl, location.href);
    url.searchParams.set("after", after);
    source = new EventSource(url);
    source.addEventListener("lines", (event) => {
      after = event.lastEventId;
      append(list, open, JSON.parse(event.data));
      pin();
    });
    source.addEventListener("done", () => {
      source.close();
      document.removeEventListener("visibilitychange", look);
      settle(list.closest("[data-log-box]"));
      document.dispatchEvent(new Event("hexasched:refresh"));
    });
    source.addEventListener("error", () => {
      // An answer that is no stream ends the browser's own tries: the session may be over, or the server is starting.
      if (source.readyState === EventSource.CLOSED) setTimeout(start, 5000);
    });
  };
  // A page that nobody looks at must not hold one of the server's streams.
  const look = () => (document.hidden ? source?.close() : start());
  document.addEventListener("visibilitychange", look);
  if (!document.hidden) start();
  pin();
}

// Nothing more will come: there is nothing to follow, and no output yet means none at all.
function settle(box) {
  document.querySelector("[data-log-follow-label]")?.setAttribute("hidden", "");
  const empty = box.querySelector("[data-at-the-end]");
  if (empty) empty.textContent = empty.dataset.atTheEnd;
}

function append(list, open, lines) {
  const rows = document.createDocumentFragment();
  for (const { stream, at, text, open: unfinished } of lines) {
    const row = open.get(stream) ?? document.createElement("li");
    row.className = `log-${STREAMS[stream] ?? "out"}`;
    row.title = at;
    row.replaceChildren(text);
    if (!row.parentNode) rows.append(row); // one that is open already keeps its place
    if (unfinished) open.set(stream, row);
    else open.delete(stream);
  }
  list.append(rows);
  while (list.children.length > MOST_LINES) {
    list.classList.add("log-cut"); // the numbers would no longer be the lines'
    list.firstElementChild.remove();
  }
}

// Stays at the end until the reader scrolls up; scrolling back down, or the switch, takes it up again.
function followSwitch(box) {
  const toggle = document.querySelector("[data-log-follow]");
  toggle?.closest("[hidden]")?.removeAttribute("hidden");
  let pinned = true;
  const pin = () => { if (pinned) box.scrollTop = box.scrollHeight; };
  const set = (value) => {
    pinned = value;
    if (toggle) toggle.checked = value;
  };
  box.addEventListener("scroll", () => set(box.scrollHeight - box.scrollTop - box.clientHeight < 24), { passive: true });
  toggle?.addEventListener("change", () => { set(toggle.checked); pin(); });
  return pin;
}
