// Rows of environment variables: one more at a time, a pasted .env becomes rows, and what the code reads gets a row.
import { parseDotenv } from "./dotenv.js";

const SECRET = /PASS|PWD|SECRET|TOKEN|KEY|CREDENTIAL|DSN/i; // the same as in web/environment_forms.py
const box = document.querySelector("[data-env-rows]");
const pattern = document.querySelector("[data-env-pattern]");
let next = box?.querySelectorAll("[data-env-row]").length;

const rows = () => [...box.querySelectorAll("[data-env-row]")];
const nameOf = (row) => row.querySelector("[data-env-name]");
const valueOf = (row) => row.querySelector("[data-env-value]");
const secretOf = (row) => row.querySelector("[data-env-secret]");
const isBlank = (row) => !nameOf(row).value.trim() && !valueOf(row).value;
const rowOf = (name) => rows().find((row) => nameOf(row).value.trim() === name);

function addRow(name = "", value = "") {
  box.insertAdjacentHTML("beforeend", pattern.innerHTML.replaceAll("NUMBER", String(next++)));
  const row = box.lastElementChild;
  row.classList.remove("env-spare");
  fill(row, name, value);
  return row;
}

function fill(row, name, value) {
  nameOf(row).value = name;
  valueOf(row).value = value;
  if (SECRET.test(name)) secretOf(row).checked = true;
}

function paste(row, text) {
  for (const [name, value] of parseDotenv(text)) {
    const there = rowOf(name);
    if (there) valueOf(there).value = value;
    else if (isBlank(row)) fill(row, name, value);
    else addRow(name, value);
  }
}

// Rows for variables that the code can't do without; those that it no longer reads go, unless they were filled in.
function suggest(needed) {
  for (const row of rows()) {
    const stale = row.classList.contains("env-suggested") && !valueOf(row).value && !needed.includes(nameOf(row).value);
    if (stale && row.querySelector(":focus") === null) row.remove();
  }
  for (const name of needed.filter((one) => !rowOf(one))) {
    const row = rows().find((one) => isBlank(one) && !one.querySelector(":focus")) ?? addRow();
    fill(row, name, "");
    mark(row);
  }
}

function mark(row) {
  row.classList.add("env-suggested");
  valueOf(row).placeholder = "not set";
  const field = document.createElement("input");
  Object.assign(field, { type: "hidden", name: nameOf(row).name.replace(/-name$/, "-suggested"), value: "yes" });
  row.append(field);
}

function setUp() {
  for (const row of rows()) if (row.classList.contains("env-spare")) row.remove();
  if (!rows().length) addRow();
  for (const element of document.querySelectorAll("[data-env-add], [data-env-paste]")) element.hidden = false;
  document.querySelector("[data-env-add]").addEventListener("click", () => nameOf(addRow()).focus());
  box.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text");
    if (!event.target.matches("[data-env-name]") || !text.includes("=")) return;
    event.preventDefault();
    paste(event.target.closest("[data-env-row]"), text);
    box.dispatchEvent(new Event("input", { bubbles: true }));
  });
  box.addEventListener("change", (event) => {
    if (!event.target.matches("[data-env-name]")) return;
    const row = event.target.closest("[data-env-row]");
    if (SECRET.test(event.target.value) && !valueOf(row).value) secretOf(row).checked = true;
  });
  document.addEventListener("analysed", (event) => {
    if (!event.detail.env) return; // the code can't be parsed just now: what it reads is not known
    suggest(event.detail.env.filter(({ optional }) => !optional).map(({ name }) => name));
  });
}

if (box) setUp();
