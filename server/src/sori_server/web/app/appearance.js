import { byId } from "./dom.js";
import { language, speak, translated } from "./i18n.js";
import { recall, remember } from "./memory.js";

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Dark or light and the language of the interface, as the user or else the system wants it. */
export function offerAppearance() {
  apply(recall("theme"));
  byId("theme", HTMLButtonElement).addEventListener("click", () => {
    const other = isDark() ? "light" : "dark";
    remember("theme", other);
    apply(other);
  });
  for (const [id, wanted] of /** @type {const} */ ([["in-english", "en"], ["in-korean", "ko"]])) {
    const button = byId(id, HTMLButtonElement);
    button.addEventListener("click", () => speak(wanted));
    translated(() => button.setAttribute("aria-pressed", String(language() === wanted)));
  }
}

function isDark() {
  const chosen = document.documentElement.style.colorScheme;
  return chosen ? chosen === "dark" : dark.matches;
}

/** @param {string | null} theme */
function apply(theme) {
  if (theme === "dark" || theme === "light") document.documentElement.style.colorScheme = theme;
}
