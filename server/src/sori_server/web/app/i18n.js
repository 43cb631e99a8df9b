import { recall, remember } from "./memory.js";
import { english, korean, presets } from "./words.js";

/** @typedef {import("./words.js").Word} Word */
/** @typedef {"en" | "ko"} Language */

const tables = { en: english, ko: korean };

/** @type {Set<() => void>} */
const followers = new Set();

/** @type {Language} */
let current = first();

/** @returns {Language} */
function first() {
  const wanted = recall("interface") ?? navigator.language;
  return wanted.startsWith("ko") ? "ko" : "en";
}

/** The language of the interface. @returns {Language} */
export const language = () => current;

/** Change it, on the whole page and for the next visit.
 * @param {Language} wanted */
export function speak(wanted) {
  current = wanted;
  remember("interface", wanted);
  for (const follow of followers) follow();
}

/** Call `follow` now, and again whenever the language of the interface changes.
 * @param {() => void} follow */
export function translated(follow) {
  followers.add(follow);
  follow();
}

/** Words of the interface, with `{name}` filled in.
 * @param {Word} word
 * @param {Record<string, string | number>} [values]
 * @returns {string} */
export function say(word, values = {}) {
  return tables[current][word].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** What a preset is called, and what it does.
 * @param {{name: string, description: string}} preset
 * @returns {{name: string, note: string}} */
export function presetWords({ name, description }) {
  return presets[current][name] ?? { name, note: description };
}

/** What a language is called in the language of the interface.
 * @param {string} code BCP-47
 * @returns {string} */
export function languageName(code) {
  try {
    return new Intl.DisplayNames([current], { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** Keep `lang` and every element with `data-text` or `data-label` in that language. */
export function translatePage() {
  translated(() => {
    document.documentElement.lang = current;
    for (const each of document.querySelectorAll("[data-text]")) {
      each.textContent = say(named(each, "data-text"));
    }
    for (const each of document.querySelectorAll("[data-label]")) {
      const words = say(named(each, "data-label"));
      each.setAttribute("aria-label", words);
      if (each instanceof HTMLButtonElement) each.title = words;
    }
  });
}

/** @param {Element} marked @param {string} attribute @returns {Word} */
function named(marked, attribute) {
  return /** @type {Word} */ (marked.getAttribute(attribute));
}
