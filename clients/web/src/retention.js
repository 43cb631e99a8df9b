/** Which audio may have to be sent again. */

/** Knows from where a session goes on, and from where a new one starts; the rest is let go. */
export class Retention {
  /**
   * @param {import("./held-audio.js").HeldAudio} held
   * @param {import("./audio-layout.js").AudioLayout} layout
   */
  constructor(held, layout) {
    this.#held = held;
    this.#layout = layout;
    /** All text before this byte is final, and was given. */
    this.final = 0;
  }

  #held;
  #layout;
  /** The session asks for nothing before this byte, wherever it goes on. */
  #committed = 0;

  /** Where a new session starts: a container only has one start. */
  get restart() {
    return this.#layout.seekable ? this.final : 0;
  }

  /** Whether a new session can make text of everything that has none. */
  get canRestart() {
    return this.#layout.seekable || this.#held.start === 0;
  }

  /** Whether all text there will be is final. */
  get complete() {
    return this.final >= this.#held.end;
  }

  /** @param {number} place */
  holds(place) {
    return place >= this.#held.start && place <= this.#held.end;
  }

  /**
   * @param {number} offset  seconds; all text before it is final, and was given
   * @returns {boolean}  whether that is news
   */
  finalize(offset) {
    const place = this.#layout.byteAt(offset);
    if (place <= this.final) return false;
    this.final = place;
    return true;
  }

  /** @param {number} place  the session asks for nothing before it */
  commit(place) {
    this.#committed = Math.max(this.#committed, place);
  }

  /**
   * @param {number} sent  what comes after this byte was not sent yet
   * @param {boolean} resumable
   */
  discard(sent, resumable) {
    if (!this.#layout.seekable) return;
    const committed = resumable ? this.#committed : this.final;
    this.#held.discardBefore(Math.min(this.final, committed, sent));
  }
}
