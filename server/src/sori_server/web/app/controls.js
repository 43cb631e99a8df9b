import { byId } from "./dom.js";

/** @typedef {import("./page.js").Page} Page */

/** Buttons, keys and files that are dropped.
 * @param {Page} page */
export function offerControls(page) {
  const file = byId("file", HTMLInputElement);
  onClick("record", () => void page.toggle());
  onClick("clear", () => page.clear());
  onClick("open", () => file.click());
  onClick("panel-toggle", () => showPanel(!panelIsOpen()));
  file.addEventListener("change", () => {
    const [chosen] = file.files ?? [];
    if (chosen) void page.read(chosen);
    file.value = "";
  });
  byId("settings", HTMLFormElement).addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => onKey(event, page));
  offerDrop(page);
}

/** @param {KeyboardEvent} event @param {Page} page */
function onKey(event, page) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.repeat) return;
  if (event.key === "Escape") {
    if (panelIsOpen()) showPanel(false);
    else page.cancel();
  } else if (event.key === " " && !isControl(event.target)) {
    event.preventDefault();
    void page.toggle();
  }
}

/** @param {EventTarget | null} target */
function isControl(target) {
  return target instanceof Element && target.closest("button, select, input, textarea, a") !== null;
}

/** On narrow windows the panel covers the captions. @param {boolean} shown */
function showPanel(shown) {
  const toggle = byId("panel-toggle", HTMLButtonElement);
  byId("panel", HTMLElement).toggleAttribute("data-open", shown);
  toggle.setAttribute("aria-expanded", String(shown));
  if (!shown) toggle.focus();
}

function panelIsOpen() {
  return byId("panel", HTMLElement).hasAttribute("data-open");
}

/** @param {Page} page */
function offerDrop(page) {
  const veil = byId("drop", HTMLElement);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    veil.hidden = !event.dataTransfer?.types.includes("Files");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    veil.hidden = true;
    const [dropped] = event.dataTransfer?.files ?? [];
    if (dropped) void page.read(dropped);
  });
}

/** @param {string} id @param {() => void} act */
function onClick(id, act) {
  byId(id, HTMLButtonElement).addEventListener("click", act);
}
