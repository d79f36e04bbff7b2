// Asks the server what is wrong with the source, 400 ms after the last key, and marks it in the editor.
import { setDiagnostics } from "@codemirror/lint";

const PAUSE_MS = 400;
// While all workers are busy, or the service starts again, the server can't say; the source is still marked then.
const AGAIN_AFTER_MS = [2000, 4000, 8000, 16000, 30000];

// Diagnostics are [{message, line, column, severity: "error" | "warning" | "info"}]; lines and columns count from 1.
export function showDiagnostics(view, diagnostics) {
  const { doc } = view.state;
  const marks = diagnostics.map(({ message, line, column, severity }) => {
    const row = doc.line(Math.min(Math.max(line ?? 1, 1), doc.lines));
    const from = Math.min(row.from + Math.max((column ?? 1) - 1, 0), row.to);
    const word = view.state.wordAt(from);
    return { from, to: word && word.to > from ? word.to : Math.max(from, row.to), severity: severity ?? "error", message };
  });
  marks.sort((a, b) => a.from - b.from);
  view.dispatch(setDiagnostics(view.state, marks));
}

// The whole answer also goes out as the textarea's event `analysed`, for pages that show more of it.
export function analyse(view, textarea) {
  let timer;
  let running;
  let tries = 0;
  const again = () => {
    if (tries < AGAIN_AFTER_MS.length) timer = setTimeout(ask, AGAIN_AFTER_MS[tries++]);
  };
  const ask = async () => {
    running?.abort();
    running = new AbortController();
    const source = textarea.value;
    try {
      const response = await fetch(textarea.dataset.analyseUrl, {
        method: "POST",
        body: question(textarea),
        headers: { "X-CSRFToken": document.querySelector('meta[name="csrf-token"]').content, Accept: "application/json" },
        signal: running.signal,
      });
      if (source !== textarea.value) return;
      if (response.status === 202) again();
      if (response.status !== 200) return;
      const answer = await response.json();
      showDiagnostics(view, answer.diagnostics ?? []);
      textarea.dispatchEvent(new CustomEvent("analysed", { detail: answer, bubbles: true }));
    } catch (error) {
      // Marks are a comfort: the deploy checks the same and says what is wrong.
      if (error.name === "AbortError") return;
      console.warn("The source could not be analysed:", error.message);
      again();
    }
  };
  const later = () => {
    clearTimeout(timer);
    tries = 0;
    timer = setTimeout(ask, PAUSE_MS);
  };
  textarea.addEventListener("input", later);
  for (const name of furtherFields(textarea)) textarea.form?.elements[name]?.addEventListener?.("input", later);
  if (textarea.value.trim() && !textarea.dataset.diagnostics) ask();
}

function furtherFields(textarea) {
  return (textarea.dataset.analyseWith ?? "").split(" ").filter(Boolean);
}

function question(textarea) {
  const body = new URLSearchParams({ [textarea.name]: textarea.value });
  const form = textarea.form && new FormData(textarea.form);
  for (const name of furtherFields(textarea)) for (const value of form?.getAll(name) ?? []) body.append(name, value);
  return body;
}
