import { byId, element, offer } from "./dom.js";
import { languageName, presetWords, say, translated } from "./i18n.js";
import { recall, remember } from "./memory.js";

/** @typedef {import("../client/types.js").Model} Model */
/** @typedef {import("../client/types.js").StreamingConfig} StreamingConfig */
/** @typedef {import("./words.js").Word} Word */

/** What the server offers, as `GET /v1/models` says it.
 * @typedef {object} Offers
 * @property {Model[]} models
 * @property {{name: string, description: string}[]} presets */

const REMEMBERED = ["language", "task", "preset", "device"];

/** The choices of the user: device, language, task and preset. */
export class Settings {
  #device = byId("device", HTMLSelectElement);
  #language = byId("language", HTMLSelectElement);
  #task = byId("task", HTMLSelectElement);
  #preset = byId("preset", HTMLSelectElement);
  #note = byId("preset-note", HTMLElement);
  #badge = byId("model", HTMLElement);
  #modelNote = byId("model-note", HTMLElement);
  /** @type {Offers} */
  #offers = { models: [], presets: [] };

  constructor() {
    translated(() => this.#show());
    for (const name of REMEMBERED) {
      const select = byId(name, HTMLSelectElement);
      select.addEventListener("change", () => remember(name, select.value));
    }
    this.#preset.addEventListener("change", () => this.#describe());
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.findDevices());
    void this.findDevices();
  }

  /** The microphone to use; empty for the browser's choice. */
  get deviceId() {
    return this.#device.value;
  }

  /** What to ask of a stream.
   * @returns {StreamingConfig} */
  get config() {
    const task = this.#task.value === "translate" ? "translate" : "transcribe";
    return {
      recognition: {
        language_codes: this.#language.value ? [this.#language.value] : [],
        task,
        features: { word_time_offsets: true },
      },
      interim_results: true,
      voice_activity_events: true,
      latency_breakdown: true,
      progress_interval: 1,
      preset: this.#preset.value,
    };
  }

  /** Nothing can be chosen while it would change nothing.
   * @param {boolean} fixed */
  fix(fixed) {
    for (const name of REMEMBERED) byId(name, HTMLSelectElement).disabled = fixed;
  }

  /** Offer what the server offers.
   * @param {Offers} offers */
  show(offers) {
    this.#offers = offers;
    this.#show();
    for (const name of REMEMBERED) restore(name);
    this.#describe();
  }

  /** Offer the microphones that are there; browsers name them once one was allowed. */
  async findDevices() {
    const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    const inputs = devices.filter((each) => each.kind === "audioinput" && each.deviceId);
    offer(this.#device, [
      { value: "", text: say("anyDevice") },
      ...inputs
        .filter(({ deviceId }) => deviceId !== "default")
        .map(({ deviceId, label }, place) => ({
          value: deviceId,
          text: label || say("numberedDevice", { number: place + 1 }),
        })),
    ]);
    restore("device");
  }

  #show() {
    const [model] = this.#offers.models;
    const languages = (model?.language_codes ?? []).map((value) => ({
      value,
      text: languageName(value),
    }));
    languages.sort((a, b) => a.text.localeCompare(b.text));
    offer(this.#language, [{ value: "", text: say("anyLanguage") }, ...languages]);
    const tasks = model?.tasks ?? ["transcribe"];
    offer(this.#task, tasks.map((value) => ({ value, text: say(value) })));
    const presets = this.#offers.presets.map((preset) => ({
      value: preset.name,
      text: presetWords(preset).name,
    }));
    offer(this.#preset, [{ value: "", text: say("noPreset") }, ...presets]);
    this.#describe();
    if (model) this.#name(model);
  }

  #describe() {
    const preset = this.#offers.presets.find(({ name }) => name === this.#preset.value);
    this.#note.textContent = preset ? presetWords(preset).note : say("noPresetNote");
  }

  /** @param {Model} model */
  #name({ name, display_name }) {
    const demonstration = name === "mini";
    this.#badge.hidden = false;
    this.#badge.classList.toggle("demonstration", demonstration);
    const kind = demonstration ? ["demonstration", "demonstrationShort"] : [];
    const [long, short] = /** @type {Word[]} */ (kind).map((word) => ` · ${say(word)}`);
    this.#badge.replaceChildren(
      element("span", "badge-long", (display_name || name) + (long ?? "")),
      element("span", "badge-short", name + (short ?? "")),
    );
    this.#modelNote.hidden = !demonstration;
    this.#modelNote.textContent = say("demonstrationNote", { name });
  }
}

/** What was chosen last time, if it is still there. @param {string} name */
function restore(name) {
  const select = byId(name, HTMLSelectElement);
  const last = recall(name);
  if ([...select.options].some(({ value }) => value === last)) select.value = last ?? "";
}
