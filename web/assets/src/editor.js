// Puts a code editor on each <textarea data-editor="javascript|json">; the textarea stays the form's field, so the
// page works the same without it. Attributes: data-analyse-url, data-analyse-with (names of further fields to send),
// data-diagnostics (JSON, from the server), data-line and data-column (where to put the cursor), data-read-only.
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { javascript } from "@codemirror/lang-javascript";
import { json } from "@codemirror/lang-json";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput } from "@codemirror/language";
import { lintGutter, lintKeymap } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { analyse, showDiagnostics } from "./analyse.js";
import { look } from "./look.js";

const nonce = document.querySelector('meta[name="csp-nonce"]').content;
const LANGUAGES = { javascript: () => javascript({ typescript: true }), json };

for (const textarea of document.querySelectorAll("textarea[data-editor]")) enhance(textarea);

function enhance(textarea) {
  const readOnly = "readOnly" in textarea.dataset;
  const view = new EditorView({
    doc: textarea.value,
    extensions: [
      EditorView.cspNonce.of(nonce),
      EditorView.contentAttributes.of(names(textarea)),
      EditorState.readOnly.of(readOnly),
      look,
      LANGUAGES[textarea.dataset.editor](),
      lineNumbers(), foldGutter(), lintGutter(), history(), drawSelection(), bracketMatching(), closeBrackets(),
      autocompletion(), indentOnInput(), highlightActiveLine(), highlightActiveLineGutter(), highlightSelectionMatches(),
      keymap.of([
        ...ownKeys(textarea), { key: "Tab", run: acceptCompletion }, ...closeBracketsKeymap, ...defaultKeymap,
        ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap, ...lintKeymap, indentWithTab,
      ]),
      EditorView.updateListener.of((update) => update.docChanged && sync(textarea, update.state)),
    ],
  });
  const focused = document.activeElement === textarea;
  textarea.hidden = true;
  textarea.after(view.dom);
  if (focused) view.focus();
  textarea.labels[0]?.addEventListener("click", () => view.focus());
  if (textarea.dataset.diagnostics) showDiagnostics(view, JSON.parse(textarea.dataset.diagnostics));
  if (textarea.dataset.analyseUrl) analyse(view, textarea);
  if (textarea.dataset.line) goTo(view, Number(textarea.dataset.line), Number(textarea.dataset.column) || 1);
  textarea.addEventListener("go-to", (event) => goTo(view, event.detail.line, event.detail.column ?? 1));
  textarea.addEventListener("replace-text", (event) => {
    view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: event.detail } });
  });
}

function names(textarea) {
  const label = textarea.labels[0];
  if (label && !label.id) label.id = `${textarea.id}-label`;
  const invalid = textarea.getAttribute("aria-invalid");
  return {
    ...(label ? { "aria-labelledby": label.id } : { "aria-label": textarea.getAttribute("aria-label") ?? "Code" }),
    ...(textarea.getAttribute("aria-describedby") && { "aria-describedby": textarea.getAttribute("aria-describedby") }),
    ...(invalid && { "aria-invalid": invalid }),
  };
}

// [data-save] and [data-test] are the form's own buttons, so that a key does exactly what the button does.
function ownKeys(textarea) {
  const press = (selector) => () => {
    const button = textarea.form?.querySelector(selector);
    button?.click();
    return Boolean(button);
  };
  return [{ key: "Mod-s", run: press("[data-save]"), preventDefault: true }, { key: "Mod-Enter", run: press("[data-test]") }];
}

function sync(textarea, state) {
  textarea.value = state.doc.toString();
  textarea.dispatchEvent(new Event("input", { bubbles: true }));
}

function goTo(view, number, column) {
  const line = view.state.doc.line(Math.min(Math.max(number, 1), view.state.doc.lines));
  const at = Math.min(line.from + column - 1, line.to);
  view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
  view.focus();
}
