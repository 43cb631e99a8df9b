import { clock } from "./clock.js";
import { byId, element } from "./dom.js";
import { say, translated } from "./i18n.js";

/** @typedef {import("../client/types.js").RecognitionResult} RecognitionResult */
/** @typedef {import("../client/types.js").Alternative} Alternative */

/** Confidence below which a word is tinted, once for each. */
const DOUBTS = [0.8, 0.6, 0.4];
const NEAR_END = 80;

/** The list of utterances: the open ones change, final ones stay. */
export class Captions {
  /** Text is English then, whatever is spoken. */
  translated = false;
  #list = byId("captions", HTMLOListElement);
  #scroll = byId("scroll", HTMLElement);
  #empty = byId("empty", HTMLElement);
  #latest = byId("latest", HTMLButtonElement);
  #announcer = byId("announcer", HTMLElement);
  /** @type {Map<number, HTMLLIElement>} */
  #items = new Map();
  /** @type {Map<number, RecognitionResult>} */
  #results = new Map();
  #follows = true;

  constructor() {
    this.#scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#latest.addEventListener("click", () => this.#toEnd());
    new ResizeObserver(() => this.#follows && this.#toEnd()).observe(this.#scroll);
    translated(() => this.#results.forEach((result) => this.#label(result)));
  }

  /** Show a result, which may change what is shown of its utterance.
   * @param {RecognitionResult} result */
  show(result) {
    const [reading] = result.alternatives;
    const index = result.utterance_index;
    if (!reading || (result.is_final && !reading.committed_text)) return this.#remove(index);
    const item = this.#item(index);
    item.className = result.is_final ? "caption" : "caption live";
    item.lang = this.translated ? "en" : result.language_code;
    this.#results.set(index, result);
    this.#label(result);
    this.#text(item).replaceChildren(...(result.is_final ? shaded(reading) : open(reading)));
    if (result.is_final) this.#announce(reading.committed_text, item.lang);
    if (this.#follows) this.#toEnd();
    else this.#latest.hidden = false;
  }

  /** Take away what was not final: it comes again, or never. */
  dropOpen() {
    for (const [index, { is_final }] of this.#results) if (!is_final) this.#remove(index);
  }

  /** Show nothing. */
  clear() {
    this.#list.replaceChildren();
    this.#items.clear();
    this.#results.clear();
    this.#announcer.textContent = "";
    this.#empty.hidden = false;
    this.#latest.hidden = true;
    this.#follows = true;
  }

  /** @param {number} index */
  #item(index) {
    const known = this.#items.get(index);
    if (known) return known;
    const item = element("li");
    const about = element("div", "caption-about");
    about.append(element("time"), element("span", "caption-sure"));
    item.append(about, element("p", "caption-text"));
    const after = [...this.#items].find(([other]) => other > index);
    this.#list.insertBefore(item, after?.[1] ?? null);
    this.#items.set(index, item);
    this.#items = new Map([...this.#items].sort(([a], [b]) => a - b));
    this.#empty.hidden = true;
    return item;
  }

  /** @param {number} index */
  #remove(index) {
    this.#items.get(index)?.remove();
    this.#items.delete(index);
    this.#results.delete(index);
    this.#empty.hidden = this.#items.size > 0;
  }

  /** @param {HTMLLIElement} item @returns {HTMLElement} */
  #text(item) {
    return /** @type {HTMLElement} */ (item.lastElementChild);
  }

  /** Its times, and how sure it is. @param {RecognitionResult} result */
  #label(result) {
    const about = this.#items.get(result.utterance_index)?.firstElementChild;
    const [time, sure] = about?.children ?? [];
    if (!(time instanceof HTMLTimeElement) || !(sure instanceof HTMLElement)) return;
    const [start, end] = [clock(result.start_offset), clock(result.end_offset)];
    time.textContent = result.is_final ? `${start}–${end}` : start;
    time.dateTime = `PT${result.start_offset.toFixed(2)}S`;
    time.title = say("saidFrom", { start, end });
    const percent = Math.round((result.alternatives[0]?.confidence ?? 0) * 100);
    sure.textContent = result.is_final ? `${percent} %` : "";
    sure.title = say("sure", { percent });
  }

  /** @param {string} text @param {string} language BCP-47 */
  #announce(text, language) {
    const line = element("span", "", `${text} `);
    line.lang = language;
    this.#announcer.append(line);
    while (this.#announcer.childElementCount > 3) this.#announcer.firstElementChild?.remove();
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroll;
    this.#follows = scrollHeight - scrollTop - clientHeight < NEAR_END;
    if (this.#follows) this.#latest.hidden = true;
  }

  #toEnd() {
    this.#follows = true;
    this.#latest.hidden = true;
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }
}

/** @param {Alternative} reading @returns {HTMLElement[]} */
function open(reading) {
  return [
    element("span", "committed", reading.committed_text),
    element("span", "tentative", reading.tentative_text),
  ];
}

/** Final text with its unsure words tinted.
 * @param {Alternative} reading
 * @returns {(HTMLElement | string)[]} */
function shaded({ committed_text: text, words }) {
  const pieces = [];
  let place = 0;
  for (const { word, confidence } of words) {
    const start = text.indexOf(word, place);
    if (start < 0) continue; // replacements may have changed it
    pieces.push(text.slice(place, start), tinted(word, confidence));
    place = start + word.length;
  }
  return [...pieces, text.slice(place)];
}

/** @param {string} word @param {number} confidence @returns {HTMLElement | string} */
function tinted(word, confidence) {
  const doubt = DOUBTS.filter((limit) => confidence < limit).length;
  if (!doubt) return word;
  const shown = element("span", `doubt doubt-${doubt}`, word);
  shown.title = `${Math.round(confidence * 100)} %`;
  return shown;
}
