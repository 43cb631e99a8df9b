/** A server of `/v1/stream` that recognizes word audio and fails as it is told to. */

import { once } from "node:events";
import { WebSocketServer } from "ws";
import { WordSession, read } from "./word-session.js";

/**
 * @typedef {object} Plan  what one connection does
 * @property {object} [turnAway]  this error, with code 1012, before the client says anything
 * @property {object} [refuse]  this error instead of a session
 * @property {number} [close]  with this code, instead of a session or after `after` bytes
 * @property {number} [after]  bytes after which it happens; then the connection is cut
 * @property {object} [error]  sent before the close
 * @property {boolean} [forced]  what is open becomes final before that, as when a server leaves
 * @property {number} [goAway]  bytes after which the server says that it leaves
 * @property {"lost" | "taken"} [dieAtEnd]  the connection is cut at the end of audio, before it is
 *   taken, or when only its answers are missing
 * @property {"final" | "ack"} [dieAt]  cut before the first final result is sent, or when its
 *   acknowledgement came
 * @property {boolean} [unknown]  the token is refused
 * @property {boolean} [elsewhere]  of a session to resume this server knows only the token
 */

/** Serves each connection as the next plan says, and well when there is no plan left. */
export class WordServer {
  /** @param {Plan[]} plans */
  static async listening(...plans) {
    const server = new WordServer(plans, false);
    await once(server.#sockets, "listening");
    return server;
  }

  /**
   * Its sessions can be resumed.
   *
   * @param {Plan[]} plans
   */
  static async resuming(...plans) {
    const server = new WordServer(plans, true);
    await once(server.#sockets, "listening");
    return server;
  }

  constructor(plans, resumes) {
    this.plans = plans;
    this.resumes = resumes;
    /** Control messages and counts of bytes, by connection. */
    this.connections = [];
    /** @type {Map<string, WordSession>} */
    this.sessions = new Map();
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
    const plan = this.plans[this.connections.length] ?? {};
    const connection = new Connection(socket, plan, this);
    this.connections.push(connection);
    socket.on("message", (data, binary) => connection.take(data, binary));
    socket.on("close", () => connection.leave());
    socket.on("error", () => {});
    if (plan.turnAway) connection.fail(plan.turnAway, 1012);
  }
}

class Connection {
  controls = [];
  bytes = 0;
  over = false;
  /** @type {WordSession | null} */
  session = null;

  constructor(socket, plan, server) {
    this.socket = socket;
    this.plan = plan;
    this.server = server;
  }

  take(data, binary) {
    if (this.over) return;
    if (binary) return this.#hear(data);
    const message = JSON.parse(String(data));
    this.controls.push({ ...message, at: this.bytes });
    if (message.type === "config") return this.#open(message);
    if (message.type === "response_ack") return this.#acknowledge(message.sequence);
    this.session.settle();
    if (message.type === "finalize") this.session.finalize(message.request_id);
    if (message.type === "end_of_audio") this.#end(message);
  }

  say(message) {
    if (this.over) return;
    if (this.plan.dieAt === "final" && message.is_final) return this.leave();
    this.socket.send(JSON.stringify(message));
  }

  supersede() {
    this.fail({ code: "SESSION_SUPERSEDED", message: "another one took over" }, 4412);
  }

  /** Say `error`, if any, and close with `code`, or cut the line. */
  fail(error, code) {
    if (error) this.say({ type: "error", ...error });
    this.leave(code);
  }

  leave(code) {
    if (this.over) return;
    this.over = true;
    if (this.session?.connection === this) this.session.connection = null;
    if (code) this.socket.close(code);
    else this.socket.terminate();
  }

  #open({ resume }) {
    const { refuse, close, after } = this.plan;
    if (refuse || (close && after === undefined)) return this.fail(refuse, close ?? 1013);
    if (!resume?.resume_token) return this.#begin();
    const ticket = read(resume.resume_token);
    const session = this.plan.elsewhere
      ? new WordSession(ticket, resume.last_sequence)
      : this.server.sessions.get(ticket.id);
    if (this.plan.unknown || !session?.accepts(ticket.turn)) {
      return this.fail({ code: "RESUME_TOKEN_INVALID", message: "no such session" }, 4410);
    }
    const message = session.doubt(resume.last_sequence);
    if (message) return this.fail({ code: "INVALID_CONFIG", message }, 4400);
    this.#attach(session, resume.last_sequence, true);
  }

  #begin() {
    this.#attach(new WordSession(this.server.resumes ? {} : null), 0, false);
  }

  #attach(session, lastSequence, resumed) {
    this.session = session;
    this.server.sessions.set(session.id, session);
    session.attach(this, lastSequence, resumed);
    if (session.over) this.leave(1000);
  }

  #acknowledge(sequence) {
    if (this.plan.dieAt === "ack") return this.leave();
    if (sequence > this.session.told.sequence) {
      const message = `${sequence} was not sent`;
      return this.fail({ code: "PROTOCOL_VIOLATION", message }, 4409);
    }
    this.session.settle();
    this.session.acknowledge(sequence);
  }

  #hear(data) {
    const before = this.bytes;
    this.bytes += data.length;
    this.session.settle();
    this.session.hear(data);
    if (this.over) return;
    const { after = Infinity, goAway = Infinity } = this.plan;
    if (before < goAway && this.bytes >= goAway) {
      this.session.say("go_away", { time_left: 5, message: "leaving" });
    }
    if (this.bytes >= after) this.#break();
  }

  #break() {
    if (this.plan.forced) this.session.end("server");
    if (this.plan.forced) this.session.progress();
    this.fail(this.plan.error, this.plan.close);
  }

  #end(message) {
    const { session } = this;
    if (this.plan.dieAtEnd === "lost") return this.leave();
    if (session.over) return;
    if ((message.total_bytes ?? session.bytes) !== session.bytes) {
      return this.fail({ code: "AUDIO_GAP", message: "bytes are missing" }, 4411);
    }
    if (this.plan.dieAtEnd) this.leave();
    session.finish();
    this.leave(1000);
  }
}
