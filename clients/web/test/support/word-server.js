/** A server of `/v1/stream` that recognizes word audio and fails as it is told to. */

import { once } from "node:events";
import { WebSocketServer } from "ws";
import { Ear, RATE, text } from "./word-audio.js";

/**
 * @typedef {object} Plan  what one session does
 * @property {object} [refuse]  this error instead of a session
 * @property {number} [close]  with this code, instead of a session or after `after` bytes
 * @property {number} [after]  bytes after which it happens; then the connection is cut
 * @property {object} [error]  sent before the close
 * @property {boolean} [forced]  what is open becomes final before that, as when a server leaves
 * @property {boolean} [dieAtEnd]  the connection is cut at the end of audio
 */

/** Serves each session as the next plan says, and well when there is no plan left. */
export class WordServer {
  /** @param {Plan[]} plans */
  static async listening(...plans) {
    const server = new WordServer(plans);
    await once(server.#sockets, "listening");
    return server;
  }

  constructor(plans) {
    this.plans = plans;
    /** Control messages and counts of bytes, by session. */
    this.sessions = [];
    this.#sockets = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    this.#sockets.on("connection", (socket) => this.#serve(socket));
  }

  #sockets;

  get url() {
    return `http://127.0.0.1:${this.#sockets.address().port}/v1/stream`;
  }

  async close() {
    for (const socket of this.#sockets.clients) socket.terminate();
    await new Promise((resolve) => this.#sockets.close(resolve));
  }

  #serve(socket) {
    const session = new Session(socket, this.plans[this.sessions.length] ?? {});
    this.sessions.push(session);
    socket.on("message", (data, binary) => session.take(data, binary));
    socket.on("error", () => {});
  }
}

class Session {
  controls = [];
  bytes = 0;
  over = false;
  #sequence = 0;
  #utterance = 0;
  #finals = 0;
  #ear = new Ear();

  constructor(socket, plan) {
    this.socket = socket;
    this.plan = plan;
  }

  take(data, binary) {
    if (this.over) return;
    if (binary) return this.#hear(data);
    const message = JSON.parse(String(data));
    this.controls.push({ ...message, at: this.bytes });
    if (message.type === "config") this.#open();
    if (message.type === "finalize") this.#finalize(message.request_id);
    if (message.type === "end_of_audio") this.#end(message);
  }

  say(type, fields) {
    this.socket.send(JSON.stringify({ type, sequence: (this.#sequence += 1), ...fields }));
  }

  #open() {
    const { refuse, close, after } = this.plan;
    if (refuse) this.say("error", refuse);
    if (refuse || (close && after === undefined)) return this.#leave(close ?? 1013);
    this.say("session_started", { session_id: `session-${Math.random()}` });
  }

  #hear(data) {
    this.bytes += data.length;
    this.#ear.hear(data, (words, end) => this.#final(words, end, "endpoint"));
    if (this.#ear.words.length > 0) this.#result(this.#ear.words, this.#ear.received, {});
    this.#progress();
    if (this.bytes >= (this.plan.after ?? Infinity)) this.#break();
  }

  #break() {
    if (this.plan.forced) this.#ear.end((words, end) => this.#final(words, end, "server"));
    if (this.plan.forced) this.#progress();
    if (this.plan.error) this.say("error", this.plan.error);
    this.#leave(this.plan.close);
  }

  #leave(code) {
    this.over = true;
    if (code) this.socket.close(code);
    else this.socket.terminate();
  }

  #finalize(request_id) {
    this.#ear.end((words, end) => this.#final(words, end, "finalize"));
    this.say("finalized", { request_id, offset: this.#ear.received / RATE });
  }

  #end(message) {
    if (this.plan.dieAtEnd) return this.#leave();
    if (message.total_bytes !== this.bytes) {
      this.say("error", { code: "AUDIO_GAP", message: "bytes are missing" });
      return this.#leave(4411);
    }
    this.#ear.end((words, end) => this.#final(words, end, "end_of_audio"));
    this.say("session_summary", {
      received_audio: this.#ear.received / RATE,
      speech_audio: 0.5,
      final_result_count: this.#finals,
      inference_time: 0.25,
    });
    this.#leave(1000);
  }

  #final(words, end, final_reason) {
    this.#result(words, end, { is_final: true, final_reason });
    this.#utterance += 1;
    this.#finals += 1;
    this.#progress();
  }

  #result(words, end, fields) {
    const texts = words.map(text);
    const timed = words.map((word) => ({
      word: text(word),
      start_offset: word.start / RATE,
      end_offset: word.end / RATE,
      confidence: 1,
    }));
    this.say("result", {
      utterance_index: this.#utterance,
      revision: 1,
      is_final: false,
      start_offset: words[0].start / RATE,
      end_offset: end / RATE,
      channel_tag: 0,
      language_code: "en",
      language_confidence: 1,
      alternatives: [
        { committed_text: texts.join(" "), tentative_text: "", confidence: 1, words: timed },
      ],
      ...fields,
    });
  }

  #progress() {
    this.say("progress", {
      acknowledged_byte_offset: this.bytes,
      received_offset: this.#ear.received / RATE,
      final_offset: this.#ear.finalPosition / RATE,
    });
  }
}
