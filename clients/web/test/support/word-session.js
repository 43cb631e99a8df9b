/** A session that recognizes word audio, and goes on over another connection. */

import { Ear, RATE, text } from "./word-audio.js";

/**
 * @typedef {object} Ticket  what a token says
 * @property {string} id
 * @property {number} turn  of the connection it was given out on, 1, 2, ...
 * @property {number} bytes  before them all text is final and was told
 * @property {number} utterances  that had text before them
 */

/** @returns {Ticket} */
export const read = (token) => JSON.parse(atob(token));

/** What a connection hears becomes responses, kept until they were received. */
export class WordSession {
  over = false;
  /** @type {{say: (message: object) => void, supersede: () => void} | null} */
  connection = null;
  /** Responses that were not acknowledged, interim ones left out. */
  kept = [];
  received = 0;
  #spent = null;
  #finals = 0;

  /**
   * @param {Partial<Ticket> | null} ticket  null: it cannot be resumed
   * @param {number} lastSequence
   */
  constructor(ticket, lastSequence = 0) {
    this.resumes = ticket !== null;
    const { id = `session-${Math.random()}`, turn = 0, bytes = 0, utterances = 0 } = ticket ?? {};
    Object.assign(this, { id, turn, bytes, utterances });
    this.told = { sequence: lastSequence, bytes, utterances };
    this.acknowledged = this.told;
    this.last = this.received = lastSequence;
    this.ear = new Ear(bytes / 2);
  }

  /** Whether a token of this turn resumes it. */
  accepts(turn) {
    return turn === this.turn || turn === this.#spent;
  }

  /** The connection of the next turn; what the client lacks is told again. */
  attach(connection, lastSequence, resumed) {
    this.connection?.supersede();
    this.acknowledge(lastSequence);
    this.#spent = resumed ? this.turn : null;
    this.turn += 1;
    this.connection = connection;
    this.last = lastSequence;
    this.told = { ...this.acknowledged, sequence: lastSequence };
    const lacking = this.kept;
    this.kept = [];
    this.say("session_started", { session_id: this.id, resumed, next_byte_offset: this.bytes });
    this.kept.pop(); // each connection begins with its own
    for (const { type, fields, checkpoint } of lacking) this.say(type, fields, checkpoint);
  }

  /** A message came: the token of the turn before is worth nothing now. */
  settle() {
    this.#spent = null;
  }

  /** Why these cannot be the responses a client has; null if they can. */
  doubt(sequence) {
    if (sequence > this.told.sequence) return `${sequence} was not sent`;
    return sequence < this.received ? `${sequence} is below ${this.received}` : null;
  }

  acknowledge(sequence) {
    this.received = Math.max(this.received, sequence);
    while (this.kept[0]?.sequence <= sequence) {
      const { checkpoint } = this.kept.shift();
      this.acknowledged = { ...this.acknowledged, ...checkpoint };
    }
  }

  hear(data) {
    this.bytes += data.length;
    this.ear.hear(data, (words, end) => this.final(words, end, "endpoint"));
    if (this.ear.words.length > 0) this.#result(this.ear.words, this.ear.received, {});
    this.progress();
  }

  finalize(request_id) {
    this.end("finalize");
    this.say("finalized", { request_id, offset: this.ear.received / RATE });
  }

  /** What is open becomes final. */
  end(reason) {
    this.ear.end((words, end) => this.final(words, end, reason));
  }

  finish() {
    this.end("end_of_audio");
    this.over = true;
    this.say("session_summary", {
      received_audio: this.ear.received / RATE,
      speech_audio: 0.5,
      final_result_count: this.#finals,
      inference_time: 0.25,
    });
  }

  final(words, end, final_reason) {
    const checkpoint = { bytes: end * 2, utterances: this.utterances + 1 };
    this.#result(words, end, { is_final: true, final_reason }, checkpoint);
    this.utterances += 1;
    this.#finals += 1;
    this.progress();
  }

  progress() {
    this.say("progress", {
      acknowledged_byte_offset: this.bytes,
      received_offset: this.ear.received / RATE,
      final_offset: this.ear.finalPosition / RATE,
    });
  }

  say(type, fields, checkpoint) {
    const interim = type === "result" && !fields.is_final;
    if (interim && !this.connection) return;
    const sequence = (this.last += 1);
    if (!interim) this.kept.push({ sequence, type, fields, checkpoint });
    if (!this.connection) return;
    this.told = { ...this.told, ...checkpoint, sequence };
    this.connection.say({ type, sequence, ...fields, ...this.#resume(type, interim) });
  }

  #resume(type, interim) {
    const bearers = ["session_started", "result", "progress", "go_away"];
    if (!bearers.includes(type)) return {};
    if (!this.resumes || interim) return { resume_token: "" };
    const { bytes, utterances } = this.told;
    const resume_token = btoa(JSON.stringify({ id: this.id, turn: this.turn, bytes, utterances }));
    return type === "progress" ? { resume_token, committed_byte_offset: bytes } : { resume_token };
  }

  #result(words, end, fields, checkpoint) {
    const texts = words.map(text);
    const timed = words.map((word) => ({
      word: text(word),
      start_offset: word.start / RATE,
      end_offset: word.end / RATE,
      confidence: 1,
    }));
    const sure = fields.is_final ? texts.length : texts.length - 1;
    const alternative = {
      committed_text: texts.slice(0, sure).join(" "),
      tentative_text: texts.slice(sure).join(" "),
      confidence: 1,
      words: timed,
    };
    const result = {
      utterance_index: this.utterances,
      revision: 1,
      is_final: false,
      start_offset: words[0].start / RATE,
      end_offset: end / RATE,
      channel_tag: 0,
      language_code: "en",
      language_confidence: 1,
      alternatives: [alternative],
      ...fields,
    };
    this.say("result", result, checkpoint);
  }
}
