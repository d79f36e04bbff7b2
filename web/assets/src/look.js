// The editor's look in the page's own colours, so that light and dark need one theme.
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const theme = EditorView.theme({
  "&": { color: "var(--bs-body-color)", backgroundColor: "var(--code-bg)", fontSize: "0.875rem" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--bs-font-monospace)", lineHeight: "1.6" },
  ".cm-content": { padding: "0.5rem 0", caretColor: "var(--bs-emphasis-color)" },
  ".cm-cursor": { borderLeftColor: "var(--bs-emphasis-color)" },
  ".cm-gutters": { backgroundColor: "var(--code-bg)", color: "var(--bs-secondary-color)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--code-active)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--code-selection)",
  },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "var(--code-selection)", color: "inherit" },
  ".cm-selectionMatch": { backgroundColor: "var(--code-match)" },
  ".cm-searchMatch": { backgroundColor: "var(--code-match)", outline: "1px solid var(--status-warning-text)" },
  ".cm-panels": { backgroundColor: "var(--bs-tertiary-bg)", color: "var(--bs-body-color)" },
  ".cm-panels.cm-panels-bottom": { borderTop: "1px solid var(--bs-border-color)" },
  ".cm-textfield": { backgroundColor: "var(--bs-body-bg)", borderColor: "var(--bs-border-color)", color: "inherit" },
  ".cm-button": { backgroundImage: "none", backgroundColor: "var(--bs-body-bg)", borderColor: "var(--bs-border-color)" },
  ".cm-tooltip": {
    backgroundColor: "var(--bs-body-bg)", color: "var(--bs-body-color)", border: "1px solid var(--bs-border-color)",
    borderRadius: "var(--bs-border-radius)",
  },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--accent-text)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--bs-tertiary-bg)", border: "none", color: "inherit" },
});

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--code-keyword)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--code-number)" },
  { tag: [tags.comment], color: "var(--bs-secondary-color)", fontStyle: "italic" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], color: "var(--code-function)" },
  { tag: [tags.typeName, tags.className, tags.namespace], color: "var(--code-type)" },
  { tag: [tags.propertyName], color: "var(--code-property)" },
  { tag: [tags.invalid], color: "var(--status-failed-text)" },
]);

export const look = [theme, syntaxHighlighting(colours)];
