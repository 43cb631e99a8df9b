import { median } from "./clock.js";

/** @typedef {import("../client/types.js").RecognitionResult} RecognitionResult */

/** What the server says of one result, in ms. A final may be ready when its pause is over: then
 * `total` is 0.
 * @typedef {object} Bar
 * @property {boolean} final
 * @property {number} pause silence that was waited for
 * @property {number} total
 * @property {number} queue
 * @property {number} features
 * @property {number} model */

const KEPT = 36;
const RATE = 16_000;

/** How long texts take: what the server says of each, and what is seen here of live audio. */
export class LatencyLog {
  /** The newest results, oldest first.
   * @type {Bar[]} */
  bars = [];
  /** From the first sound of the newest utterance to its first text on the page; seconds.
   * @type {number | undefined} */
  firstCaption;
  /** @type {number[]} */
  #behind = [];
  #utterance = -1;
  #speechStart = 0;
  #samples = 0;
  #samplesAt = 0;

  /** A recording begins. */
  begin() {
    this.#samples = 0;
    this.#utterance = -1;
    this.#speechStart = 0;
  }

  /** So many samples were heard just now.
   * @param {number} count */
  heard(count) {
    this.#samples += count;
    this.#samplesAt = performance.now();
  }

  /** Speech starts here; seconds.
   * @param {number} offset */
  speechStarts(offset) {
    this.#speechStart = offset;
  }

  /** A result is on the page, with the clock of its recording.
   * @param {RecognitionResult} result */
  shown(result) {
    const { latency } = result;
    if (latency?.total !== undefined) {
      const bar = {
        final: result.is_final,
        pause: milliseconds(latency.endpointing),
        total: milliseconds(latency.total),
        queue: milliseconds(latency.queue),
        features: milliseconds(latency.preprocessing),
        model: milliseconds(latency.inference),
      };
      this.bars = [...this.bars, bar].slice(-KEPT);
    }
    if (this.#samples) this.#measure(result);
  }

  /** By how much interim text is behind speech, in the middle of the newest; seconds. */
  get behind() {
    return median(this.#behind);
  }

  /** From the end of speech to its final text, in the middle of the newest; seconds. */
  get final() {
    const finals = this.bars.filter(({ final }) => final);
    return median(finals.map(({ pause, total }) => (pause + total) / 1000));
  }

  /** @param {RecognitionResult} result */
  #measure({ utterance_index: utterance, is_final, start_offset, end_offset }) {
    if (utterance > this.#utterance) {
      this.#utterance = utterance;
      this.firstCaption = this.#since(Math.max(this.#speechStart, start_offset));
    }
    if (!is_final) this.#behind = [...this.#behind, this.#since(end_offset)].slice(-KEPT);
  }

  /** Seconds since the sound at `offset` was in the air.
   * @param {number} offset */
  #since(offset) {
    const old = (performance.now() - this.#samplesAt) / 1000;
    return Math.max(0, this.#samples / RATE + old - offset);
  }
}

/** @param {number | undefined} seconds */
function milliseconds(seconds = 0) {
  return Math.round(seconds * 1000);
}
