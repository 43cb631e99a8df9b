import { toJson, toSrt, toTxt, toVtt } from "../client/index.js";
import { byId } from "./dom.js";
import { say } from "./i18n.js";

/** @typedef {import("./transcript.js").Transcript} Transcript */

const FORMATS = {
  txt: { write: toTxt, type: "text/plain" },
  srt: { write: toSrt, type: "application/x-subrip" },
  vtt: { write: toVtt, type: "text/vtt" },
  json: { write: toJson, type: "application/json" },
};
const COPIED = 1600;

/** Copying and saving the final words. */
export class Exports {
  /** Name of what was recorded, for the names of files. */
  name = "";
  /** Whether there are words that were neither copied nor saved. */
  unsaved = false;
  #transcript;
  #copy = byId("copy", HTMLButtonElement);
  #copyText = byId("copy-text", HTMLElement);
  #announcer = byId("announcer", HTMLElement);

  /** @param {Transcript} transcript */
  constructor(transcript) {
    this.#transcript = transcript;
    this.#copy.addEventListener("click", () => void this.#toClipboard());
    for (const [format, { write, type }] of Object.entries(FORMATS)) {
      byId(`save-${format}`, HTMLButtonElement).addEventListener("click", () => {
        save(`${this.#stem()}.${format}`, write(this.#transcript.finals), type);
        this.unsaved = false;
      });
    }
  }

  /** There are more words, or none. */
  update() {
    const none = this.#transcript.finals.length === 0;
    this.unsaved = !none;
    for (const id of ["copy", "clear", ...Object.keys(FORMATS).map((format) => `save-${format}`)]) {
      byId(id, HTMLButtonElement).disabled = none;
    }
  }

  async #toClipboard() {
    const text = toTxt(this.#transcript.finals);
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      copyOldWay(text); // pages that are not secure have no clipboard
    }
    this.unsaved = false;
    this.#announcer.textContent = say("copied");
    this.#copyText.textContent = say("copied");
    setTimeout(() => (this.#copyText.textContent = say("copy")), COPIED);
  }

  #stem() {
    if (this.name) return this.name.replace(/\.\w+$/, "");
    const now = new Date();
    const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000);
    return `sori-${local.toISOString().slice(0, 16).replace(/[T:]/g, "-")}`;
  }
}

/** @param {string} name @param {string} text @param {string} type */
function save(name, text, type) {
  const link = document.createElement("a");
  link.download = name;
  link.href = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** @param {string} text */
function copyOldWay(text) {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
