// <button data-copy="#id"> copies that element's text and says so; hidden where the browser gives no clipboard.
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.dataset.copy);
  if (!source) return;
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(source.value ?? source.textContent);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Press Ctrl+C";
    select(source);
  }
  setTimeout(() => { button.textContent = label; }, 2000);
});

function select(element) {
  if (element.select) return element.select();
  getSelection().selectAllChildren(element);
}
