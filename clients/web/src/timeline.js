/** What sessions say, put on the clock and numbers of the whole stream. */

/** Results that end this close to what is final say it once more. Seconds. */
const SAME_END = 0.05;

/** @typedef {import("./types.js").RecognitionResult} RecognitionResult */

/** One channel's utterances over all sessions. */
class Channel {
  /** Added to the session's utterance indexes. */
  base = 0;
  /** Index after that of the last final result. */
  nextIndex = 0;
  /** All text before it is final, and was given. Seconds. */
  finalEnd = 0;
  /** Whether the session has come to what was not final before it. */
  caughtUp = true;
  /** Where the newest speech event was. Seconds. */
  spoken = -1;
  /** Highest revision by the index of an open utterance. @type {Map<number, number>} */
  revisions = new Map();
  /** The same when the connection was lost: added to revisions. @type {Map<number, number>} */
  before = new Map();
  /** Committed text of the newest result, while its utterance is open. */
  shown = { index: -1, text: "" };
  /** Whether the session has gone on over another connection. */
  resumed = false;

  /** @param {number} place  seconds; a session begins there */
  restart(place) {
    this.base = this.nextIndex;
    this.before = new Map(this.revisions);
    this.resumed = false;
    this.catchUp(place);
  }

  /** The session goes on; perhaps elsewhere, where what is open is heard and told once more. */
  resume() {
    this.before = new Map(this.revisions);
    this.resumed = true;
  }

  /**
   * Whether an open utterance would lose committed text that was given.
   *
   * @param {RecognitionResult} result
   */
  takesBack({ is_final, utterance_index, alternatives }) {
    const { index, text } = this.shown;
    if (!this.resumed || is_final || index !== utterance_index) return false;
    return !alternatives[0]?.committed_text.startsWith(text);
  }

  /** @param {number} place  seconds; all before it is final in this session */
  catchUp(place) {
    this.caughtUp = place + SAME_END >= this.finalEnd;
  }

  /**
   * Whether the result, on the stream's clock, was given before.
   *
   * @param {RecognitionResult} result
   */
  knows(result) {
    const known = result.end_offset <= this.finalEnd + SAME_END;
    const behind = !this.caughtUp;
    if (result.is_final) {
      if (known) this.base -= 1;
      this.catchUp(result.end_offset);
    }
    return known || (behind && !result.is_final);
  }

  /** @param {RecognitionResult} result */
  note({ is_final, utterance_index, revision, end_offset, alternatives }) {
    this.shown = { index: utterance_index, text: alternatives[0]?.committed_text ?? "" };
    if (is_final) {
      this.nextIndex = utterance_index + 1;
      this.finalEnd = end_offset;
      this.revisions.delete(utterance_index);
    } else {
      this.revisions.set(utterance_index, revision);
    }
  }
}

/**
 * Shifts messages of one session after another, so that they read like those of one session
 * that never broke off. What was said before, because audio was sent again, is left out.
 */
export class Timeline {
  /** @param {import("./session-clock.js").SessionClock} clock */
  constructor(clock) {
    this.clock = clock;
    /** Final results given. */
    this.finalCount = 0;
    /** Seconds of speech in them, in this session and in those before. */
    this.sessionSpeech = 0;
    this.lostSpeech = 0;
  }

  /** @type {Map<number, Channel>} */
  #channels = new Map();

  /** A new session begins: it counts from zero. */
  restart() {
    this.lostSpeech += this.sessionSpeech;
    this.sessionSpeech = 0;
    const place = this.clock.seconds(0);
    for (const channel of this.#channels.values()) channel.restart(place);
  }

  /** The session goes on over another connection. */
  resume() {
    for (const channel of this.#channels.values()) channel.resume();
  }

  /**
   * @param {RecognitionResult} result
   * @returns {RecognitionResult | null}  null: it was given before, or takes back what was
   */
  result(result) {
    const channel = this.#channel(result.channel_tag);
    const placed = { ...result, ...this.#span(result) };
    if (channel.knows(placed)) return null;
    placed.utterance_index += channel.base;
    if (channel.takesBack(placed)) return null;
    placed.revision += channel.before.get(placed.utterance_index) ?? 0;
    placed.alternatives = result.alternatives.map((one) => this.#alternative(one));
    channel.note(placed);
    if (placed.is_final) {
      this.finalCount += 1;
      this.sessionSpeech += placed.end_offset - placed.start_offset;
    }
    return placed;
  }

  /**
   * @param {import("./types.js").SpeechEvent} event
   * @returns {import("./types.js").SpeechEvent | null}  null: it was given before
   */
  speech(event) {
    const channel = this.#channel(event.channel_tag);
    const offset = this.clock.seconds(event.offset);
    if (offset <= channel.spoken) return null;
    channel.spoken = offset;
    return { ...event, offset };
  }

  /**
   * @param {import("./types.js").Progress} progress
   * @returns {import("./types.js").Progress}
   */
  progress(progress) {
    const final = this.clock.seconds(progress.final_offset);
    for (const channel of this.#channels.values()) if (!channel.caughtUp) channel.catchUp(final);
    return {
      acknowledged_byte_offset: this.clock.byte(progress.acknowledged_byte_offset),
      received_offset: this.clock.seconds(progress.received_offset),
      final_offset: final,
      committed_byte_offset: this.clock.byte(progress.committed_byte_offset ?? 0),
    };
  }

  /**
   * @param {import("./types.js").Warning} warning
   * @returns {import("./types.js").Warning}
   */
  warning(warning) {
    const metadata = { ...warning.metadata };
    for (const name of ["start", "end", "position"]) {
      const at = Number(metadata[name] ?? NaN);
      if (!Number.isNaN(at)) metadata[name] = this.clock.seconds(at).toFixed(3);
    }
    return { ...warning, metadata };
  }

  /**
   * @param {import("./types.js").Alternative} alternative
   * @returns {import("./types.js").Alternative}
   */
  #alternative(alternative) {
    const words = alternative.words.map((word) => ({ ...word, ...this.#span(word) }));
    return { ...alternative, words };
  }

  /** @param {{start_offset: number, end_offset: number}} span */
  #span({ start_offset, end_offset }) {
    return {
      start_offset: this.clock.seconds(start_offset),
      end_offset: this.clock.seconds(end_offset),
    };
  }

  /** @param {number} tag */
  #channel(tag) {
    let channel = this.#channels.get(tag);
    if (!channel) this.#channels.set(tag, (channel = new Channel()));
    return channel;
  }
}
