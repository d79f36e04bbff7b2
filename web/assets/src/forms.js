// Forms: the first wrong field gets the focus, a password can be shown, a form is sent once, unsaved text asks once.
document.querySelector("[data-error-summary], [aria-invalid='true']")?.focus();

for (const button of document.querySelectorAll("[data-show-password]")) {
  const field = document.getElementById(button.dataset.showPassword);
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = field.type === "text";
    field.type = shown ? "password" : "text";
    button.textContent = shown ? "Show" : "Hide";
    button.setAttribute("aria-pressed", String(!shown));
  });
}

const changed = new Set();
for (const form of document.querySelectorAll("form[data-ask-before-leaving]")) {
  form.addEventListener("input", () => changed.add(form));
}
addEventListener("beforeunload", (event) => {
  if (changed.size) event.preventDefault();
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) return;
  changed.delete(form);
  if (form.dataset.sent) return event.preventDefault();
  if (form.hasAttribute("hx-post")) return;
  form.dataset.sent = "yes";
  // A page that is shown again from the browser's memory can be sent again.
  addEventListener("pageshow", () => { delete form.dataset.sent; }, { once: true });
});
