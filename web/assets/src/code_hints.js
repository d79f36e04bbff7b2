// Shows beside the editor what the analysis of the code found: variables that are not set, packages to add.
document.addEventListener("analysed", ({ detail }) => {
  if (!detail.env) return; // the code can't be parsed just now: what was found before stays
  const variables = document.querySelector("[data-env-hints]");
  if (variables) showVariables(variables, detail.env);
  const packages = document.querySelector("[data-package-hints]");
  if (packages) packages.replaceChildren(...detail.packages.map(packageHint));
});

function showVariables(box, read) {
  const known = new Set(JSON.parse(box.dataset.envHints));
  const missing = read.filter(({ name, optional }) => !optional && !known.has(name));
  box.replaceChildren(...missing.map(({ name, line }) => {
    const link = Object.assign(document.createElement("a"), { href: box.dataset.addUrl + encodeURIComponent(name), textContent: "Add it" });
    return hint(name, ` is read on line ${line} but not set. `, link);
  }));
}

function packageHint({ name, line }) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-secondary btn-sm", textContent: "Add to Packages" });
  button.addEventListener("click", () => addPackage(name));
  return hint(name, ` (line ${line}) is not in Packages. `, button);
}

function hint(name, text, action) {
  const paragraph = Object.assign(document.createElement("p"), { className: "hint" });
  paragraph.append(Object.assign(document.createElement("code"), { textContent: name }), text, action);
  return paragraph;
}

function addPackage(name) {
  const field = document.querySelector('textarea[name="dependencies"]');
  field.closest("details").open = true;
  let content;
  try {
    content = JSON.parse(field.value.trim() || "{}");
  } catch {
    return field.dispatchEvent(new CustomEvent("go-to", { detail: { line: 1 } }));
  }
  (content.dependencies ?? content)[name] = "latest";
  const text = JSON.stringify(content, null, 2);
  field.value = text;
  field.dispatchEvent(new CustomEvent("replace-text", { detail: text }));
}

// A runtime that can't run TypeScript does not offer it.
const runtime = document.querySelector('select[name="runtime"]');
const language = document.querySelector("select[data-language]");
if (runtime && language) {
  const follow = () => {
    const old = Number(runtime.value.replace("node", "")) < 22;
    for (const option of language.options) {
      if (!/ts$/.test(option.value)) continue;
      option.disabled = old && !option.selected;
      option.textContent = option.textContent.replace(/ – .*/, "") + (old ? ` – not with ${runtime.selectedOptions[0].text}` : "");
    }
  };
  runtime.addEventListener("change", follow);
  follow();
}
