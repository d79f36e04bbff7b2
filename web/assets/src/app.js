// What every page loads: htmx and the small comforts. No page needs any of it to work.
import htmx from "htmx.org";
import "./refresh.js";
import "./times.js";
import "./copy.js";
import "./menus.js";
import "./forms.js";
import "./env_rows.js";
import "./code_hints.js";
import "./fill.js";
import "./local_times.js";

htmx.config.morphIgnore = ["data-htmx-powered", "open"]; // a menu that a person opened stays open
