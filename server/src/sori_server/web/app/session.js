import { Microphone, SoriStream } from "../client/index.js";
import { decoded, feed, LARGEST, RATE } from "./recording.js";

/** @typedef {import("../client/types.js").StreamingConfig} StreamingConfig */
/** @typedef {"idle" | "starting" | "live" | "file" | "ending"} State */

/** Chromium starts with much gain and lowers it while it listens: the first words of a voice of
 * normal loudness are overdriven, and misheard.
 * @type {MediaTrackConstraints} */
const UNTOUCHED = { autoGainControl: false };

/** What a session tells the page.
 * @typedef {object} Watcher
 * @property {(state: State) => void} onState
 * @property {(stream: SoriStream) => void} onStream a stream is about to start
 * @property {(level: number) => void} onLevel dB of full scale
 * @property {(samples: number) => void} onHeard samples the microphone gave
 * @property {(share: number) => void} onProgress 0 to 1, of a file */

/** A file that cannot be read; `problem` is a word of the page. */
export class UnreadableFile extends Error {
  /** @param {"notAudio" | "tooLarge"} problem @param {string} file */
  constructor(problem, file) {
    super(problem);
    this.problem = problem;
    this.file = file;
  }
}

/** One recording at a time, from the microphone or a file, to the server. */
export class Session {
  /** @type {State} */
  state = "idle";
  #watcher;
  /** @type {SoriStream | undefined} */
  #stream;
  /** @type {Microphone | undefined} */
  #microphone;
  #cancelled = new AbortController();

  /** @param {Watcher} watcher */
  constructor(watcher) {
    this.#watcher = watcher;
  }

  /** Listen to the microphone until `stop`.
   *
   * Throws what `Microphone.open` throws.
   * @param {StreamingConfig} config
   * @param {string} deviceId empty: the browser's choice
   * @param {() => void} onEnded the device went away */
  async listen(config, deviceId, onEnded) {
    const { signal } = this.#enterStarting();
    const microphone = await this.#orIdle(
      Microphone.open({
        onAudio: (samples) => this.#hear(samples),
        onLevel: (level) => this.#watcher.onLevel(level),
        onEnded,
        constraints: UNTOUCHED,
        ...(deviceId && { deviceId }),
      }),
    );
    if (signal.aborted) return void microphone.close();
    this.#microphone = microphone;
    this.#begin(config);
    this.#enter("live");
  }

  /** Recognize a file; returns when its last words are there.
   *
   * Throws `UnreadableFile`.
   * @param {StreamingConfig} config
   * @param {File} file */
  async read(config, file) {
    const { signal } = this.#enterStarting();
    const samples = await this.#orIdle(samplesOf(file));
    if (signal.aborted) return;
    const stream = this.#begin({ ...config, priority: "batch" });
    this.#enter("file");
    stream.addEventListener("progress", ({ detail }) => {
      this.#watcher.onProgress(Math.min(1, (detail.received_offset * RATE) / samples.length));
    });
    await feed(stream, samples, signal);
    if (!signal.aborted) await this.stop();
  }

  /** No more audio; returns when the last words are there. */
  async stop() {
    const stream = this.#stream;
    if (!stream || this.state === "ending") return;
    void this.#microphone?.close();
    this.#enter("ending");
    await stream.stop().catch(() => {}); // `error` told why
    if (this.#stream === stream) this.cancel();
  }

  /** Be idle at once, whatever was going on. */
  cancel() {
    this.#cancelled.abort();
    void this.#microphone?.close();
    this.#stream?.abort();
    this.#microphone = undefined;
    this.#stream = undefined;
    this.#enter("idle");
  }

  /** @param {Int16Array} samples */
  #hear(samples) {
    if (!this.#stream || this.state !== "live") return;
    this.#watcher.onHeard(samples.length);
    this.#stream.send(samples);
  }

  /** @param {StreamingConfig} config */
  #begin(config) {
    const stream = new SoriStream({ config });
    this.#stream = stream;
    this.#watcher.onStream(stream);
    stream.addEventListener("error", () => this.#stream === stream && this.cancel());
    stream.addEventListener("summary", () => {
      if (this.#stream === stream && this.state !== "ending") this.cancel();
    });
    stream.start().catch(() => {}); // `error` told why
    return stream;
  }

  #enterStarting() {
    this.#cancelled = new AbortController();
    this.#enter("starting");
    return this.#cancelled;
  }

  /** @template Value @param {Promise<Value>} opening @returns {Promise<Value>} */
  async #orIdle(opening) {
    const { signal } = this.#cancelled;
    try {
      return await opening;
    } catch (error) {
      if (!signal.aborted) this.#enter("idle");
      throw error;
    }
  }

  /** @param {State} state */
  #enter(state) {
    if (state === this.state) return;
    this.state = state;
    this.#watcher.onState(state);
  }
}

/** @param {File} file @returns {Promise<Int16Array>} */
async function samplesOf(file) {
  if (file.size > LARGEST) throw new UnreadableFile("tooLarge", file.name);
  try {
    return await decoded(file);
  } catch {
    throw new UnreadableFile("notAudio", file.name);
  }
}
