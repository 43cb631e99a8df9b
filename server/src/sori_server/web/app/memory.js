// What the page remembers between visits: choices, never words.

/** What was remembered under `name`; null where nothing was, or nothing can be.
 * @param {string} name
 * @returns {string | null} */
export function recall(name) {
  try {
    return localStorage.getItem(`sori.${name}`);
  } catch {
    return null;
  }
}

/** Remember `value` under `name`, where the browser allows it.
 * @param {string} name
 * @param {string} value */
export function remember(name, value) {
  try {
    localStorage.setItem(`sori.${name}`, value);
  } catch {
    // Private windows and full disks may refuse; the choice then lasts as long as the page.
  }
}
