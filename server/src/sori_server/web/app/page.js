import { clock } from "./clock.js";
import { byId } from "./dom.js";
import { say, translated } from "./i18n.js";
import { Session } from "./session.js";
import { mayListen, tell } from "./trouble.js";
import { keepAwake } from "./wake.js";

/** @typedef {import("../client/index.js").SoriStream} SoriStream */
/** @typedef {import("../client/types.js").RecognitionResult} RecognitionResult */
/** @typedef {import("./session.js").State} State */
/** @typedef {import("./words.js").Word} Word */

/** What the page is made of.
 * @typedef {object} Parts
 * @property {import("./transcript.js").Transcript} transcript
 * @property {import("./latency.js").LatencyLog} latency
 * @property {import("./banner.js").Banner} banner
 * @property {import("./captions.js").Captions} captions
 * @property {import("./chart.js").LatencyChart} chart
 * @property {import("./exports.js").Exports} exports
 * @property {import("./settings.js").Settings} settings
 * @property {import("./wave.js").Wave} wave */

/** What the record button does, by state. @type {Record<State, Word>} */
const ACTIONS = {
  idle: "start",
  starting: "stop",
  live: "stop",
  file: "cancelFile",
  ending: "giveUp",
};
const OFFERS_AGAIN = 3000;

/** Joins the parts: what the user does goes to the session, what comes back to the page. */
export class Page {
  #parts;
  #session;
  #seconds = 0;

  /** @param {Parts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#session = new Session({
      onState: (state) => this.#enter(state),
      onStream: (stream) => this.#follow(stream),
      onLevel: (level) => parts.wave.push(level),
      onHeard: (samples) => this.#hear(samples),
      onProgress: (share) => (byId("progress", HTMLProgressElement).value = share),
    });
    translated(() => this.#enter(this.#session.state));
  }

  /** Start the microphone, or end whatever goes on. */
  async toggle() {
    const { state } = this.#session;
    if (state === "live") return this.#session.stop();
    if (state !== "idle") return this.#session.cancel();
    const { banner, exports, settings } = this.#parts;
    if (!mayListen(banner) || !this.#mayReplace(exports.name !== "")) return undefined;
    banner.hide();
    try {
      await this.#session.listen(settings.config, settings.deviceId, () => this.#deviceEnded());
      await settings.findDevices(); // now they have names
    } catch (error) {
      tell(banner, error);
    }
  }

  /** Recognize a file, in the place of what there was.
   * @param {File} file */
  async read(file) {
    const { banner, exports, settings } = this.#parts;
    if (this.#session.state !== "idle" || !this.#mayReplace(true)) return;
    banner.hide();
    exports.name = file.name;
    byId("progress", HTMLProgressElement).value = 0;
    try {
      await this.#session.read(settings.config, file);
    } catch (error) {
      tell(banner, error);
    }
  }

  /** End at once what is not the microphone. */
  cancel() {
    if (this.#session.state !== "live" && this.#session.state !== "idle") this.#session.cancel();
  }

  /** Forget all captions. */
  clear() {
    const { transcript, captions, exports } = this.#parts;
    if (this.#session.state !== "idle") return;
    transcript.clear();
    captions.clear();
    exports.name = "";
    exports.update();
    this.#tick();
  }

  /** Ask the server what can be chosen, until it answers. */
  async findOffers() {
    const { settings, banner } = this.#parts;
    try {
      const answer = await fetch("/v1/models");
      if (answer.ok) return settings.show(offersOf(await answer.json()));
    } catch {
      if (this.#session.state === "idle") banner.show("error", "serverAway", "serverAwayText");
    }
    setTimeout(() => void this.findOffers(), OFFERS_AGAIN);
  }

  /** @param {State} state */
  #enter(state) {
    const { settings, captions, wave } = this.#parts;
    document.body.dataset["state"] = state;
    const record = byId("record", HTMLButtonElement);
    record.setAttribute("aria-pressed", String(state === "live"));
    record.title = byId("record-text", HTMLElement).textContent = say(ACTIONS[state]);
    byId("doing", HTMLElement).textContent = say(state);
    byId("progress", HTMLProgressElement).hidden = state !== "file";
    byId("open", HTMLButtonElement).disabled = state !== "idle";
    this.#invite(state);
    settings.fix(state !== "idle");
    void keepAwake(state === "live");
    if (state !== "live") wave.rest();
    if (state === "idle") captions.dropOpen();
    byId("clear", HTMLButtonElement).disabled =
      state !== "idle" || this.#parts.transcript.finals.length === 0;
  }

  /** What stands where no caption is yet. @param {State} state */
  #invite(state) {
    const listens = state === "live";
    const [title, text] = document.querySelectorAll("#empty p");
    if (title) title.textContent = say(listens ? "listeningTitle" : "emptyTitle");
    if (text) text.textContent = say(listens ? "listeningText" : "emptyText");
  }

  /** @param {SoriStream} stream */
  #follow(stream) {
    const { banner, captions, latency, transcript } = this.#parts;
    this.#seconds = 0;
    transcript.begin();
    latency.begin();
    let lost = false;
    stream.addEventListener("statechange", ({ detail: { state, retryIn } }) => {
      if (state === "reconnecting") {
        lost = true;
        banner.show("waiting", "reconnecting", "reconnectingText");
        banner.countDown(retryIn ?? 0);
      } else if (state === "open" && lost) {
        lost = false;
        captions.dropOpen();
        banner.show("good", "reconnected", "reconnectedText");
      }
    });
    stream.addEventListener("speech", ({ detail: { event, offset } }) => {
      if (event === "speech_started") latency.speechStarts(offset);
    });
    stream.addEventListener("result", ({ detail }) => this.#show(detail));
    stream.addEventListener("progress", ({ detail }) => this.#reach(detail.received_offset));
    stream.addEventListener("warning", ({ detail }) => {
      banner.show("warning", "warning", { said: detail.message });
    });
    stream.addEventListener("goaway", () => banner.show("waiting", "goAway", "goAwayText"));
    stream.addEventListener("error", ({ detail }) => tell(banner, detail));
  }

  /** @param {RecognitionResult} result */
  #show(result) {
    const { captions, chart, exports, latency, transcript } = this.#parts;
    const placed = transcript.take(result);
    captions.show(placed);
    latency.shown(result);
    chart.draw();
    if (placed.is_final) exports.update();
  }

  /** @param {number} samples */
  #hear(samples) {
    this.#parts.latency.heard(samples);
    this.#reach(this.#seconds + samples / 16_000);
  }

  /** @param {number} seconds of this recording */
  #reach(seconds) {
    this.#seconds = Math.max(this.#seconds, seconds);
    this.#parts.transcript.reached(this.#seconds);
    this.#tick();
  }

  #tick() {
    const shown = byId("clock", HTMLElement);
    const now = clock(this.#parts.transcript.end);
    if (shown.textContent !== now) shown.textContent = now;
  }

  #deviceEnded() {
    this.#parts.banner.show("error", "deviceEnded", "deviceEndedText");
    void this.#session.stop();
  }

  /** Whether there is nothing to lose, or the user does not mind; clears it then.
   * @param {boolean} replaces */
  #mayReplace(replaces) {
    const { exports, transcript } = this.#parts;
    if (!replaces || transcript.finals.length === 0) return true;
    if (exports.unsaved && !confirm(say("replace"))) return false;
    this.clear();
    return true;
  }
}

/** What `GET /v1/models` says.
 * @param {any} answer
 * @returns {import("./settings.js").Offers} */
function offersOf(answer) {
  return {
    models: answer.data.map((/** @type {any} */ model) => ({
      ...model,
      name: model.id,
      language_codes: model.languages,
    })),
    presets: answer.presets ?? [],
  };
}
