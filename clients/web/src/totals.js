/** What a stream amounts to, over all its sessions. */

/** Counts what no single session can tell. */
export class Totals {
  /**
   * @param {import("./audio-layout.js").AudioLayout} layout
   * @param {import("./timeline.js").Timeline} timeline
   */
  constructor(layout, timeline) {
    this.#layout = layout;
    this.#timeline = timeline;
    /** Sessions that were started. */
    this.sessions = 0;
  }

  #layout;
  #timeline;
  #droppedBytes = 0;
  /** What was dropped before this byte was told. */
  #droppedTo = 0;
  /** Whether the session may have lost its count on the way. */
  #resumed = false;

  /** @param {boolean} resumed  a session goes on, and no new one starts */
  start(resumed) {
    this.#resumed = resumed;
    if (!resumed) this.sessions += 1;
  }

  /**
   * These bytes had to go before a server could hear them, or make text of them.
   *
   * @param {number} from
   * @param {number} to
   * @returns {import("./types.js").Warning | null}  null: it was told before
   */
  drop(from, to) {
    if (to <= this.#droppedTo) return null;
    const untold = Math.max(from, this.#droppedTo);
    this.#droppedTo = to;
    this.#droppedBytes += to - untold;
    const [start, end] = [untold, to].map((at) => (at / this.#layout.byteRate).toFixed(3));
    return {
      reason: "audio_dropped",
      message: `audio from ${start} s to ${end} s was dropped: no server took it in time`,
      metadata: { start: String(start), end: String(end) },
    };
  }

  /**
   * @param {number} bytes  of all audio that was given
   * @param {import("./types.js").SessionSummary} [last]  of the session that ended well
   * @returns {import("./types.js").Summary}
   */
  summary(bytes, last) {
    const rate = this.#layout.byteRate;
    const { finalCount, lostSpeech, sessionSpeech } = this.#timeline;
    const told = last ? last.speech_audio : sessionSpeech;
    return {
      received_audio: this.#layout.seekable
        ? (bytes - this.#droppedBytes) / rate
        : (last?.received_audio ?? 0),
      speech_audio: lostSpeech + (this.#resumed ? Math.max(told, sessionSpeech) : told),
      final_result_count: finalCount,
      inference_time: last?.inference_time ?? 0,
      session_count: this.sessions,
      dropped_audio: this.#droppedBytes / rate,
    };
  }
}
