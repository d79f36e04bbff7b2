// <button data-fill="expression" value="0 9 * * *"> puts its value into that field; without scripts it sends the form.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-fill]");
  const field = button && document.getElementById(button.dataset.fill);
  if (!field) return;
  event.preventDefault();
  field.value = button.value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
});

// What was wrong with an <input data-checked-live> when it was sent is old news once it changes: the preview says more.
document.addEventListener("input", ({ target }) => {
  if (!target.matches("[data-checked-live][aria-invalid]")) return;
  target.removeAttribute("aria-invalid");
  document.getElementById(`${target.id}-error`).hidden = true;
});

// <form data-auto-submit> is sent as soon as something is chosen; its button is for those without scripts.
for (const form of document.querySelectorAll("form[data-auto-submit]")) {
  form.querySelector("[data-auto-submit-button]").hidden = true;
  form.addEventListener("change", () => form.requestSubmit());
}
