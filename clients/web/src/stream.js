/** One live stream of speech, over as many connections as it takes. */

import { AudioLayout } from "./audio-layout.js";
import { completed, streamUrl } from "./config.js";
import { Deferred } from "./deferred.js";
import { SoriError } from "./errors.js";
import { StreamEventTarget } from "./events.js";
import { HeldAudio } from "./held-audio.js";
import { Room } from "./room.js";
import { Sender } from "./sender.js";
import { SessionClock } from "./session-clock.js";
import { next } from "./state.js";
import { Timeline } from "./timeline.js";
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
 * Nothing is done when a page is left: the browser closes the connection, and what was said last
 * has no text then. Call `stop()` before, and wait for it, where that matters.
 */
export class SoriStream extends StreamEventTarget {
  /** @param {SoriStreamOptions} [options] */
  constructor(options = {}) {
    super();
    const config = completed(options.config);
    this.#layout = new AudioLayout(config.recognition.audio_format);
    this.#held = new HeldAudio((options.heldAudio ?? 120) * this.#layout.byteRate);
    this.#clock = new SessionClock(this.#layout);
    this.#timeline = new Timeline(this.#clock);
    this.#sender = new Sender(this.#held, this.#layout, (from, to) => this.#gap(from, to));
    this.#room = new Room(Math.max(ROOM, 2 * config.progress_interval) * this.#layout.byteRate);
    const WebSocket = options.WebSocket ?? globalThis.WebSocket;
    const connection = { url: streamUrl(options.url), config, WebSocket };
    this.#uplink = new Uplink(connection, options.reconnect ?? {}, {
      onMessage: (type, message) => this.#receive(type, message),
      onLost: (attempt, retryIn, cause) => this.#lose({ attempt, retryIn, cause }),
      onOver: (error) => this.#giveUp(error),
      onBeat: () => this.#sender.keepAlive(),
      isDue: () => this.#sender.ended || this.#room.full,
      obstacle: () => this.#obstacle(),
    });
  }

  #layout;
  #held;
  #clock;
  #timeline;
  #sender;
  #room;
  #uplink;

  /** @type {import("./state.js").State} */
  #state = "idle";
  /** @type {Deferred<import("./types.js").SessionStarted>} */
  #started = new Deferred();
  /** @type {Deferred<import("./types.js").Summary>} */
  #ended = new Deferred();
  /** @type {Map<string, Deferred<import("./types.js").Finalized>>} */
  #finalizes = new Map();
  #stopping = false;
  /** All text before this byte is final, and was given. */
  #finalPlace = 0;
  /** Finals the server forced when it left; only given if no other server goes on. */
  #forced = /** @type {import("./types.js").RecognitionResult[]} */ ([]);
  #sessions = 0;
  #requests = 0;
  #droppedBytes = 0;
  /** What was dropped before this byte was told. */
  #droppedTo = 0;
  /** Seconds of speech in sessions that were lost. */
  #lostSpeech = 0;

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
    if (this.#move("start")) this.#uplink.open();
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
    const id = requestId ?? `finalize-${(this.#requests += 1)}`;
    /** @type {Deferred<import("./types.js").Finalized>} */
    const waiting = this.#finalizes.get(id) ?? new Deferred();
    if (this.#stopping || this.#state === "closed") {
      waiting.reject(new SoriError("PROTOCOL_VIOLATION", "the stream is ending"));
    } else if (!this.#finalizes.has(id)) {
      this.#finalizes.set(id, waiting);
      this.#sender.finalize(id);
    }
    return waiting.promise;
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
      if (this.#state === "idle") this.#end(this.#summary());
      this.#move("stop");
      this.#sender.finish();
    }
    return this.#ended.promise;
  }

  /** Close at once: what has no text yet gets none. Idempotent. */
  abort() {
    this.#close(new SoriError("ABORTED", "the stream was aborted"));
  }

  // ------------------------------------------------------------- connections

  /** @param {Omit<import("./types.js").StateChange, "state">} facts */
  #lose(facts) {
    this.#sender.detach();
    this.#lostSpeech += this.#timeline.sessionSpeech;
    this.#timeline.sessionSpeech = 0;
    this.#move("lost", facts);
  }

  /** @returns {string | null}  why another session cannot go on */
  #obstacle() {
    if (this.#layout.seekable || this.#held.start === 0) return null;
    return "the start of the audio, which a container needs, is not held any more";
  }

  /** @param {SoriError} error */
  #giveUp(error) {
    if (this.#stopping && this.#sessions > 0 && this.#finalPlace >= this.#held.end) {
      return this.#end(this.#summary()); // nothing is missing but the server's own totals
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
    const { type: _type, sequence: _sequence, ...body } = message;
    switch (type) {
      case "session_started": return this.#onStarted(body);
      case "result": return this.#onResult(body);
      case "speech_event": return this.#emit("speech", this.#timeline.speech(body));
      case "progress": return this.#onProgress(this.#timeline.progress(body));
      case "finalized": return this.#onFinalized(body);
      case "warning": return this.#emit("warning", this.#timeline.warning(body));
      case "go_away": return this.#emit("goaway", body);
      case "session_summary": return this.#onSummary(body);
      default: // newer than this package
    }
  }

  /** @param {import("./types.js").SessionStarted} session */
  #onStarted(session) {
    const place = this.#layout.seekable ? this.#finalPlace : 0;
    this.#sessions += 1;
    this.#forced = [];
    this.#room.receive(place);
    this.#clock.restart(place);
    this.#timeline.restart();
    this.#move("opened");
    if (this.#stopping) this.#move("stop");
    this.#emit("started", session);
    this.#started.resolve(session);
    if (this.#uplink.connection) this.#sender.attach(this.#uplink.connection, place);
  }

  /**
   * A server that leaves cuts where it is, in mid-word: its last result is not final then, and
   * the next session hears the utterance whole.
   *
   * @param {import("./types.js").RecognitionResult} message
   */
  #onResult(message) {
    if (message.final_reason !== "server" || !this.#uplink.reconnects) {
      return this.#giveResult(message);
    }
    const { final_reason: _reason, ...open } = message;
    this.#forced.push(message);
    this.#giveResult({ ...open, is_final: false });
  }

  /** @param {import("./types.js").RecognitionResult} message */
  #giveResult(message) {
    const result = this.#timeline.result(message);
    if (!result) return;
    const only = result.channel_tag === 0; // other channels may have text before it to come
    if (result.is_final && only) this.#becameFinal(result.end_offset);
    this.#emit("result", result);
  }

  /** No other session goes on: what the last one made of its audio stays. */
  #giveForced() {
    for (const result of this.#forced.splice(0)) this.#giveResult(result);
  }

  /** @param {import("./types.js").Progress} progress */
  #onProgress(progress) {
    this.#becameFinal(progress.final_offset);
    this.#room.receive(Math.max(this.#room.received, progress.acknowledged_byte_offset));
    this.#emit("progress", progress);
  }

  /** @param {import("./types.js").Finalized} message */
  #onFinalized(message) {
    const finalized = { ...message, offset: this.#clock.seconds(message.offset) };
    this.#sender.settle(message.request_id);
    this.#emit("finalized", finalized);
    this.#finalizes.get(message.request_id)?.resolve(finalized);
    this.#finalizes.delete(message.request_id);
  }

  /** @param {import("./types.js").SessionSummary} message */
  #onSummary(message) {
    this.#giveForced();
    this.#end(this.#summary(message));
  }

  /** @param {number} offset  all text before it is final */
  #becameFinal(offset) {
    const place = this.#layout.byteAt(offset);
    if (place <= this.#finalPlace || this.#forced.length > 0) return;
    this.#finalPlace = place;
    this.#uplink.proven();
    if (this.#layout.seekable) this.#held.discardBefore(Math.min(place, this.#sender.place));
  }

  /**
   * @param {import("./types.js").SessionSummary} [last]  of the session that ended well
   * @returns {import("./types.js").Summary}
   */
  #summary(last) {
    const rate = this.#layout.byteRate;
    const heard = (this.#held.end - this.#droppedBytes) / rate;
    return {
      received_audio: this.#layout.seekable ? heard : (last?.received_audio ?? 0),
      speech_audio: this.#lostSpeech + (last?.speech_audio ?? 0),
      final_result_count: this.#timeline.finalCount,
      inference_time: last?.inference_time ?? 0,
      session_count: this.#sessions,
      dropped_audio: this.#droppedBytes / rate,
    };
  }

  /**
   * These bytes had to go before a server could hear them, or make text of them.
   *
   * @param {number} from
   * @param {number} to
   */
  #gap(from, to) {
    this.#clock.jump(this.#sender.sentBytes, to);
    if (to <= this.#droppedTo) return;
    const untold = Math.max(from, this.#droppedTo);
    this.#droppedTo = to;
    this.#droppedBytes += to - untold;
    const [start, end] = [untold, to].map((at) => (at / this.#layout.byteRate).toFixed(3));
    this.#emit("warning", {
      reason: "audio_dropped",
      message: `audio from ${start} s to ${end} s was dropped: no server took it in time`,
      metadata: { start: String(start), end: String(end) },
    });
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

  /** @param {import("./types.js").Summary} summary */
  #end(summary) {
    this.#emit("summary", summary);
    this.#ended.resolve(summary);
    this.#close(new SoriError("PROTOCOL_VIOLATION", "the stream has ended"));
  }

  /** @param {SoriError} error  for everybody who still waits */
  #close(error) {
    this.#sender.detach();
    this.#uplink.close();
    this.#started.reject(error);
    this.#ended.reject(error);
    for (const waiting of this.#finalizes.values()) waiting.reject(error);
    this.#finalizes.clear();
    this.#room.release();
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
