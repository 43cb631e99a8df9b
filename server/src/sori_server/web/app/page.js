import { clock } from "./clock.js";
import { byId } from "./dom.js";
import { say, translated } from "./i18n.js";
import { Session } from "./session.js";
import { mayListen, tell, tellWait } from "./trouble.js";
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
  /** What comes next: the name of a file, and whether it takes the place of what there is. */
  #next = { name: "", replaces: false };

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
    if (!mayListen(banner) || !this.#plan("", exports.name !== "")) return undefined;
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
    const { banner, settings } = this.#parts;
    if (this.#session.state !== "idle" || !this.#plan(file.name, true)) return;
    banner.hide();
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
    if (this.#session.state === "idle") this.#forget();
  }

  #forget() {
    const { transcript, captions, exports } = this.#parts;
    transcript.clear();
    captions.clear();
    exports.name = "";
    exports.update();
    this.#tick();
  }

  /** Ask the server what can be chosen, until it answers. */
  async findOffers() {
    const { settings, banner } = this.#parts;
    for (let away = false; ; await later(OFFERS_AGAIN)) {
      try {
        const answer = await fetch("/v1/models");
        if (away) banner.hide();
        away = false;
        if (answer.ok) return settings.show(offersOf(await answer.json()));
      } catch {
        away ||= this.#session.state === "idle";
        if (away) banner.show("error", "serverAway", "serverAwayText");
      }
    }
  }

  /** @param {State} state */
  #enter(state) {
    const { banner, settings, captions, wave } = this.#parts;
    document.body.dataset["state"] = state;
    const record = byId("record", HTMLButtonElement);
    record.title = byId("record-text", HTMLElement).textContent = say(ACTIONS[state]);
    byId("doing", HTMLElement).textContent = say(state);
    byId("progress", HTMLProgressElement).hidden = state !== "file";
    byId("open", HTMLButtonElement).disabled = state !== "idle";
    this.#invite(state);
    settings.fix(state !== "idle");
    void keepAwake(state === "live");
    if (state !== "live") wave.rest();
    if (state === "idle") {
      captions.dropOpen();
      banner.stopWaiting();
    }
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
    const { banner, captions, exports, latency, settings, transcript } = this.#parts;
    if (this.#next.replaces) this.#forget();
    captions.translated = settings.config.recognition?.task === "translate";
    exports.name = this.#next.name;
    this.#seconds = 0;
    transcript.begin();
    latency.begin();
    let lost = false;
    stream.addEventListener("statechange", ({ detail }) => {
      if (detail.state === "reconnecting") {
        lost = true;
        tellWait(banner, detail);
      } else if (detail.state === "open" && lost) {
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

  /** Whether the user agrees to lose what would be replaced, if anything would.
   * @param {string} name
   * @param {boolean} replaces */
  #plan(name, replaces) {
    const { exports } = this.#parts;
    if (replaces && exports.unsaved && !confirm(say("replace"))) return false;
    this.#next = { name, replaces };
    return true;
  }
}

/** @param {number} milliseconds @returns {Promise<void>} */
function later(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
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
