/** What sessions say, put on the clock and numbers of the whole stream. */

/** Results that end this close to what is final say it once more. Seconds. */
const SAME_END = 0.05;

/** @typedef {import("./types.js").RecognitionResult} RecognitionResult */

/** @typedef {import("./types.js").SpeechEvent} SpeechEvent */

/** One channel's utterances over all sessions. */
class Channel {
  /** Added to the session's utterance indexes. */
  base = 0;
  /** Index after the last final result. */
  nextIndex = 0;
  /** Text before it is final, and was given. Seconds. */
  finalEnd = 0;
  /** Added to the revisions of utterance `base`, which the last session began. */
  baseRevision = 0;
  /** Highest revision given of the utterance that is open. */
  openRevision = 0;
  /** Where the newest speech event was. Seconds. */
  spoken = -1;
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
    /** Seconds of speech in them, in this session. */
    this.sessionSpeech = 0;
  }

  /** @type {Map<number, Channel>} */
  #channels = new Map();

  /** A new session begins: it counts from zero. */
  restart() {
    this.sessionSpeech = 0;
    for (const channel of this.#channels.values()) {
      channel.base = channel.nextIndex;
      channel.baseRevision = channel.openRevision;
    }
  }

  /**
   * @param {RecognitionResult} result
   * @returns {RecognitionResult | null}  null: it was given before
   */
  result(result) {
    const channel = this.#channel(result.channel_tag);
    const [start, end] = [result.start_offset, result.end_offset].map((at) =>
      this.clock.seconds(at),
    );
    if (end === undefined || start === undefined) return null;
    if (end <= channel.finalEnd + SAME_END) {
      if (result.is_final) channel.base -= 1;
      return null;
    }
    const index = result.utterance_index + channel.base;
    const again = result.utterance_index + channel.base === channel.nextIndex;
    const shifted = {
      ...result,
      utterance_index: index,
      revision: result.revision + (again ? channel.baseRevision : 0),
      start_offset: start,
      end_offset: end,
      alternatives: result.alternatives.map((one) => this.#alternative(one)),
    };
    this.#note(channel, shifted);
    return shifted;
  }

  /**
   * @param {SpeechEvent} event
   * @returns {SpeechEvent | null}  null: it was given before
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
    return {
      acknowledged_byte_offset: this.clock.byte(progress.acknowledged_byte_offset),
      received_offset: this.clock.seconds(progress.received_offset),
      final_offset: this.clock.seconds(progress.final_offset),
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
    const words = alternative.words.map((word) => ({
      ...word,
      start_offset: this.clock.seconds(word.start_offset),
      end_offset: this.clock.seconds(word.end_offset),
    }));
    return { ...alternative, words };
  }

  /**
   * @param {Channel} channel
   * @param {RecognitionResult} result
   */
  #note(channel, result) {
    if (!result.is_final) {
      channel.openRevision = result.revision;
      return;
    }
    channel.nextIndex = result.utterance_index + 1;
    channel.finalEnd = result.end_offset;
    channel.baseRevision = 0;
    channel.openRevision = 0;
    this.finalCount += 1;
    this.sessionSpeech += result.end_offset - result.start_offset;
  }

  /** @param {number} tag */
  #channel(tag) {
    let channel = this.#channels.get(tag);
    if (!channel) this.#channels.set(tag, (channel = new Channel()));
    return channel;
  }
}
