/** @typedef {import("../client/types.js").RecognitionResult} RecognitionResult */

/** What was said, in one piece over several recordings: each goes on where the last one ended. */
export class Transcript {
  /** Final results in order, on the clock of the transcript.
   * @type {RecognitionResult[]} */
  finals = [];
  /** Seconds of audio in the recordings before this one. */
  start = 0;
  /** Seconds of audio in all recordings. */
  end = 0;
  #firstIndex = 0;
  #nextIndex = 0;

  /** A recording begins. */
  begin() {
    this.start = this.end;
    this.#firstIndex = this.#nextIndex;
  }

  /** So many seconds of it are there.
   * @param {number} seconds */
  reached(seconds) {
    this.end = Math.max(this.end, this.start + seconds);
  }

  /** Take a result of it; what it returns has its place in the whole.
   * @param {RecognitionResult} result
   * @returns {RecognitionResult} */
  take(result) {
    const placed = {
      ...result,
      utterance_index: result.utterance_index + this.#firstIndex,
      start_offset: result.start_offset + this.start,
      end_offset: result.end_offset + this.start,
      alternatives: result.alternatives.map((one) => ({
        ...one,
        words: one.words.map((word) => ({
          ...word,
          start_offset: word.start_offset + this.start,
          end_offset: word.end_offset + this.start,
        })),
      })),
    };
    this.#nextIndex = Math.max(this.#nextIndex, placed.utterance_index + 1);
    this.reached(result.end_offset);
    if (placed.is_final) this.finals.push(placed);
    return placed;
  }

  /** Begin anew, at zero. */
  clear() {
    this.finals = [];
    this.start = 0;
    this.end = 0;
    this.#firstIndex = 0;
    this.#nextIndex = 0;
  }
}
