import { byId } from "./dom.js";
import { say, translated } from "./i18n.js";

/** @typedef {import("./words.js").Word} Word */
/** @typedef {"waiting" | "error" | "warning" | "good"} Kind */

const GOOD_NEWS = 4000;

/** The one line that says what is wrong, what the page does about it, and when it is over. */
export class Banner {
  #bar = byId("banner", HTMLElement);
  #title = byId("banner-title", HTMLElement);
  #text = byId("banner-text", HTMLElement);
  #countdown = byId("banner-countdown", HTMLElement);
  #alert = byId("alert", HTMLElement);
  /** @type {() => void} */
  #words = () => {};
  #timer = 0;

  constructor() {
    byId("banner-close", HTMLButtonElement).addEventListener("click", () => this.hide());
    translated(() => this.#words());
  }

  /** Say what `title` and `text` say; good news goes away by itself.
   * @param {Kind} kind
   * @param {Word} title
   * @param {Word | {said: string}} [text] words of the page, or those of the server
   * @param {Record<string, string>} [values] */
  show(kind, title, text, values = {}) {
    clearInterval(this.#timer);
    this.#bar.hidden = false;
    this.#bar.dataset["kind"] = kind;
    this.#countdown.textContent = "";
    this.#words = () => {
      this.#title.textContent = say(title, values);
      this.#text.textContent = typeof text === "object" ? text.said : text ? say(text, values) : "";
      // The countdown is not in it: nobody wants to hear every second of it.
      this.#alert.textContent = `${this.#title.textContent} ${this.#text.textContent}`;
    };
    this.#words();
    if (kind === "good") this.#timer = window.setTimeout(() => this.hide(), GOOD_NEWS);
  }

  /** Count down to the next try, in `seconds`.
   * @param {number} seconds */
  countDown(seconds) {
    const end = performance.now() + seconds * 1000;
    const tick = () => {
      const left = Math.ceil((end - performance.now()) / 1000);
      this.#countdown.textContent =
        left > 0 ? say("reconnectingIn", { seconds: left }) : say("reconnectingNow");
    };
    clearInterval(this.#timer);
    tick();
    this.#timer = window.setInterval(tick, 250);
  }

  /** Nothing is waited for any more. */
  stopWaiting() {
    if (this.#bar.dataset["kind"] === "waiting") this.hide();
  }

  /** Say nothing. */
  hide() {
    clearInterval(this.#timer);
    this.#bar.hidden = true;
    this.#alert.textContent = "";
    this.#words = () => {};
  }
}
