/** One live stream of speech, over as many connections as it takes. */

import { Acknowledger } from "./acknowledger.js";
import { AudioLayout } from "./audio-layout.js";
import { completed, streamUrl } from "./config.js";
import { Deferred } from "./deferred.js";
import { SoriError } from "./errors.js";
import { StreamEventTarget } from "./events.js";
import { Finalizing } from "./finalizing.js";
import { HeldAudio } from "./held-audio.js";
import { whenPageIsLeft } from "./leaving.js";
import { Resumption } from "./resumption.js";
import { Retention } from "./retention.js";
import { Room } from "./room.js";
import { Sender } from "./sender.js";
import { SessionClock } from "./session-clock.js";
import { next } from "./state.js";
import { Timeline } from "./timeline.js";
import { Totals } from "./totals.js";
import { Uplink } from "./uplink.js";

/** Seconds of audio that may be on the way before `send` asks its caller to wait. */
const ROOM = 10;

/**
 * @typedef {object} SoriStreamOptions
 * @property {string | URL} [url]  default: `/v1/stream` of the server the page came from
 * @property {import("./types.js").StreamingConfig} [config]
 * @property {import("./backoff.js").ReconnectOptions | false} [reconnect]
 * @property {number} [heldAudio]  seconds kept to be sent again; default 120
 * @property {typeof globalThis.WebSocket} [WebSocket]  where there is none, as in Node 20
 */

/**
 * Speech to text while it is spoken. All offsets are seconds of the audio given to `send`; they,
 * the numbers of utterances and all finals go on over lost connections, without a word lost or
 * given twice.
 *
 * A page that is left ends its streams at once, and what was said last has no text then. Call
 * `stop()` before, and wait for it, where that matters.
 */
export class SoriStream extends StreamEventTarget {
  /** @param {SoriStreamOptions} [options] */
  constructor(options = {}) {
    super();
    const config = completed(options.config, options.reconnect !== false);
    this.#layout = new AudioLayout(config.recognition.audio_format);
    this.#held = new HeldAudio((options.heldAudio ?? 120) * this.#layout.byteRate);
    this.#retention = new Retention(this.#held, this.#layout);
    this.#clock = new SessionClock(this.#layout);
    this.#timeline = new Timeline(this.#clock);
    this.#totals = new Totals(this.#layout, this.#timeline);
    this.#resumption = new Resumption(config.resume?.enabled ? config.resume : undefined);
    this.#acknowledger = new Acknowledger((sequence) => {
      this.#uplink.connection?.send({ type: "response_ack", sequence });
    });
    this.#sender = new Sender(this.#held, this.#layout, (from, to) => this.#gap(from, to));
    this.#finalizing = new Finalizing(this.#sender, (told) => this.#emit("finalized", told));
    this.#room = new Room(Math.max(ROOM, 2 * config.progress_interval) * this.#layout.byteRate);
    const WebSocket = options.WebSocket ?? globalThis.WebSocket;
    const server = { url: streamUrl(options.url), WebSocket, config: () => this.#config(config) };
    this.#uplink = new Uplink(server, options.reconnect ?? {}, {
      onMessage: (type, message) => this.#receive(type, message),
      onLost: (attempt, retryIn, cause) => this.#lose({ attempt, retryIn, cause }),
      onOver: (error) => this.#giveUp(error),
      onBeat: () => this.#sender.keepAlive(),
      isDue: () => this.#sender.ended || this.#room.full,
      obstacle: (cause) => this.#obstacle(cause),
    });
  }

  #layout;
  #held;
  #retention;
  #clock;
  #timeline;
  #totals;
  #resumption;
  #acknowledger;
  #sender;
  #finalizing;
  #room;
  #uplink;

  /** @type {import("./state.js").State} */
  #state = "idle";
  /** @type {Deferred<import("./types.js").SessionStarted>} */
  #started = new Deferred();
  /** @type {Deferred<import("./types.js").Summary>} */
  #ended = new Deferred();
  #stopping = false;
  /** Leaving the page does not matter any more. */
  #stay = () => {};
  /** Finals of a server that leaves, which cuts where it is, in mid-word: only given if no other
   * server goes on, and hears the utterance whole. */
  #forced = /** @type {import("./types.js").RecognitionResult[]} */ ([]);

  /** Where the stream is. */
  get state() {
    return this.#state;
  }

  /**
   * Connect. Resolves with the first session; once, however often it is called.
   *
   * @returns {Promise<import("./types.js").SessionStarted>}
   * @throws {SoriError} refused for good, or no server until it was time to give up
   */
  start() {
    if (this.#move("start")) {
      this.#stay = whenPageIsLeft(() => this.abort());
      this.#uplink.open();
    }
    return this.#started.promise;
  }

  /**
   * Take audio, at any time before `stop()`; ignored after it. Resolves when there is room for
   * more: wait for it where audio comes faster than it is spoken, from a file. It never rejects.
   *
   * @param {Int16Array | Float32Array | Uint8Array | ArrayBuffer} audio  in the encoding of the
   *   config, copied
   * @returns {Promise<void>}
   * @throws {TypeError} at once: samples of another kind than the encoding's
   */
  send(audio) {
    const bytes = this.#layout.bytesOf(audio);
    if (this.#stopping || this.#state === "closed") return Promise.resolve();
    this.#held.append(bytes);
    this.#room.given = this.#held.end;
    this.#sender.pump();
    return this.#room.wait();
  }

  /**
   * End the utterance here. Resolves when everything said so far is final.
   *
   * @param {string} [requestId]  unique among those that wait
   * @returns {Promise<import("./types.js").Finalized>}
   * @throws {SoriError} the stream ended before
   */
  finalize(requestId) {
    const tooLate = this.#stopping || this.#state === "closed";
    return this.#finalizing.request(requestId, tooLate);
  }

  /**
   * No audio follows. Resolves after the last words, over lost connections too; once, however
   * often it is called.
   *
   * @returns {Promise<import("./types.js").Summary>}
   * @throws {SoriError} the stream failed
   */
  stop() {
    if (!this.#stopping && this.#state !== "closed") {
      this.#stopping = true;
      if (this.#state === "idle") this.#end();
      this.#move("stop");
      this.#sender.finish();
    }
    return this.#ended.promise;
  }

  /** Close at once: what has no text yet gets none. Idempotent. */
  abort() {
    // Otherwise a session that can be resumed would wait for another connection.
    if (this.#resumption.attached) this.#uplink.connection?.send({ type: "end_of_audio" });
    this.#close(new SoriError("ABORTED", "the stream was aborted"));
  }

  // ------------------------------------------------------------- connections

  /**
   * @param {import("./config.js").CompleteConfig} config
   * @returns {import("./types.js").StreamingConfig}  of the next connection
   */
  #config(config) {
    const resume = this.#resumption.begin();
    return resume ? { ...config, resume } : config;
  }

  /** @param {Omit<import("./types.js").StateChange, "state">} facts */
  #lose(facts) {
    this.#sender.detach();
    this.#acknowledger.reset();
    this.#move("lost", facts);
  }

  /**
   * @param {SoriError} cause
   * @returns {string | null}  why neither the session nor another one can go on
   */
  #obstacle(cause) {
    this.#resumption.lose(cause);
    if (this.#resumption.possible || this.#retention.canRestart) return null;
    return "the start of the audio, which a container needs, is not held any more";
  }

  /** @param {SoriError} error */
  #giveUp(error) {
    if (this.#stopping && this.#totals.sessions > 0 && this.#retention.complete) {
      return this.#end(); // nothing is missing but the server's own totals
    }
    this.#giveForced();
    this.#emit("error", error);
    this.#close(error);
  }

  // ---------------------------------------------------------------- messages

  /**
   * @param {string} type
   * @param {any} message
   */
  #receive(type, message) {
    const forced = message.final_reason === "server" && this.#uplink.reconnects;
    if (forced) this.#resumption.freeze();
    if (!this.#resumption.take(message)) {
      const facts = `response ${message.sequence} after ${this.#resumption.sequence}`;
      return this.#uplink.connection?.end(new SoriError("PROTOCOL_VIOLATION", facts));
    }
    this.#deliver(type, message, forced);
    const interim = type === "result" && !message.is_final;
    if (this.#resumption.possible && this.#uplink.connection && !interim) {
      this.#acknowledger.deliver(this.#resumption.sequence);
    }
  }

  /**
   * @param {string} type
   * @param {any} message
   * @param {boolean} forced  a final result because the server leaves
   */
  #deliver(type, message, forced) {
    const { type: _type, sequence: _sequence, ...body } = message;
    switch (type) {
      case "session_started": return this.#onStarted(body);
      case "result": return forced ? void this.#forced.push(body) : this.#giveResult(body);
      case "speech_event": return this.#emit("speech", this.#timeline.speech(body));
      case "progress": return this.#onProgress(this.#timeline.progress(body));
      case "finalized":
        return this.#finalizing.answer({ ...body, offset: this.#clock.seconds(body.offset) });
      case "warning": return this.#emit("warning", this.#timeline.warning(body));
      case "go_away": return this.#onGoAway(body);
      case "session_summary": return this.#onSummary(body);
      default: // newer than this package
    }
  }

  /** @param {import("./types.js").SessionStarted} session */
  #onStarted(session) {
    const offset = session.resumed ? session.next_byte_offset : 0;
    const place = session.resumed ? this.#clock.byte(offset) : this.#retention.restart;
    if (session.resumed && !this.#retention.holds(place)) return this.#giveUpSession();
    this.#totals.start(session.resumed);
    this.#forced = [];
    this.#room.receive(place);
    if (session.resumed) {
      this.#timeline.resume();
    } else {
      this.#clock.restart(place);
      this.#timeline.restart();
    }
    this.#move("opened");
    if (this.#stopping) this.#move("stop");
    if (!session.resumed) this.#emit("started", session);
    this.#started.resolve(session);
    if (this.#uplink.connection) this.#sender.attach(this.#uplink.connection, place, offset);
    this.#answerCarried();
  }

  /** The session wants audio that is gone; a new one can leave it out. */
  #giveUpSession() {
    this.#resumption.forget();
    const message = "the session cannot go on: its audio is not held any more";
    const cause = new SoriError("CONNECTION_LOST", message, { retryable: true });
    this.#uplink.connection?.end(cause);
  }

  /** @param {import("./types.js").RecognitionResult} message */
  #giveResult(message) {
    const result = this.#timeline.result(message);
    if (!result) return;
    const only = result.channel_tag === 0; // other channels may have text before it to come
    this.#emit("result", result);
    if (result.is_final && only) this.#becameFinal(result.end_offset);
  }

  /** No other session goes on: what the last one made of its audio stays. */
  #giveForced() {
    for (const result of this.#forced.splice(0)) this.#giveResult(result);
  }

  /** @param {import("./types.js").Progress} progress */
  #onProgress(progress) {
    if (this.#forced.length === 0) this.#retention.commit(progress.committed_byte_offset);
    this.#becameFinal(progress.final_offset);
    this.#room.receive(Math.max(this.#room.received, progress.acknowledged_byte_offset));
    this.#emit("progress", progress);
  }

  /** A server that took over the session does not know what another one was asked. */
  #answerCarried() {
    if (!this.#layout.seekable) return;
    for (const { requestId, place } of this.#sender.carriedTo(this.#retention.final)) {
      const offset = place / this.#layout.byteRate;
      this.#finalizing.answer({ request_id: requestId, offset });
    }
  }

  /** @param {import("./types.js").GoAway} message */
  #onGoAway(message) {
    this.#emit("goaway", message);
    if (!this.#resumption.possible || this.#sender.ended) return;
    this.#uplink.leave(new SoriError("SERVER_DRAINING", message.message, { retryable: true }));
  }

  /** @param {import("./types.js").SessionSummary} message */
  #onSummary(message) {
    this.#giveForced();
    if (this.#resumption.possible) {
      this.#acknowledger.deliver(this.#resumption.sequence);
      this.#acknowledger.flush();
    }
    this.#end(message);
  }

  /** @param {number} offset  all text before it is final */
  #becameFinal(offset) {
    if (this.#forced.length > 0) return;
    if (this.#retention.finalize(offset)) this.#uplink.proven();
    this.#retention.discard(this.#sender.place, this.#resumption.possible);
    this.#answerCarried();
  }

  /**
   * These bytes had to go before a server could hear them, or make text of them.
   *
   * @param {number} from
   * @param {number} to
   */
  #gap(from, to) {
    this.#clock.jump(this.#sender.sentBytes, to);
    this.#emit("warning", this.#totals.drop(from, to));
  }

  // ------------------------------------------------------------------ states

  /**
   * @param {import("./state.js").Trigger} trigger
   * @param {Omit<import("./types.js").StateChange, "state">} [facts]
   * @returns {boolean}  whether it meant something
   */
  #move(trigger, facts = {}) {
    const state = next(this.#state, trigger);
    if (!state) return false;
    this.#state = state;
    this.#emit("statechange", { state, ...facts });
    return true;
  }

  /** @param {import("./types.js").SessionSummary} [last]  of a session that ended well */
  #end(last) {
    const summary = this.#totals.summary(this.#held.end, last);
    this.#emit("summary", summary);
    this.#ended.resolve(summary);
    this.#close(new SoriError("PROTOCOL_VIOLATION", "the stream has ended"));
  }

  /** @param {SoriError} error  for everybody who still waits */
  #close(error) {
    this.#sender.detach();
    this.#acknowledger.reset();
    this.#uplink.close();
    this.#started.reject(error);
    this.#ended.reject(error);
    this.#finalizing.reject(error);
    this.#room.release();
    this.#stay();
    this.#move("over");
  }

  /**
   * @template {keyof import("./types.js").SoriStreamEvents} Name
   * @param {Name} name
   * @param {import("./types.js").SoriStreamEvents[Name] | null} detail  null: nothing to tell
   */
  #emit(name, detail) {
    if (detail) this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
