/** Keeps a connection to the server, one after another. */

import { Backoff } from "./backoff.js";
import { Connection } from "./connection.js";
import { SoriError } from "./errors.js";
import { Scout } from "./scout.js";

/** Seconds without any message, while some are due, after which a connection counts as lost. */
const SILENCE = 60;

/** Seconds after which a session counts as one that works. */
const STABLE = 20;

/** Seconds between two looks at a stream nothing happens to. */
const HEARTBEAT = 1;

/**
 * @typedef {object} UplinkOptions
 * @property {string} url
 * @property {() => import("./types.js").StreamingConfig} config  for the next connection
 * @property {typeof WebSocket} WebSocket
 *
 * @typedef {object} UplinkEvents
 * @property {(type: string, message: any) => void} onMessage
 * @property {(attempt: number, retryIn: number, cause: SoriError) => void} onLost
 * @property {(error: SoriError) => void} onOver  there will be no other connection
 * @property {() => void} onBeat  once a second while there is a connection
 * @property {() => boolean} isDue  whether the server owes an answer
 * @property {(cause: SoriError) => string | null} obstacle  why no other connection can go on
 *   after this loss; null: it can
 */

/** Connects, and connects again when that is lost, with back-off, until it is time to give up. */
export class Uplink {
  /**
   * @param {UplinkOptions} options
   * @param {import("./backoff.js").ReconnectOptions | false} reconnect
   * @param {UplinkEvents} events
   */
  constructor(options, reconnect, events) {
    this.#options = options;
    this.#events = events;
    this.#backoff = reconnect ? new Backoff(reconnect) : null;
    /** @type {Connection | null} */
    this.connection = null;
  }

  #options;
  #events;
  #backoff;
  #lastHeard = 0;
  #connectedAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #heartbeat;
  /** @type {Scout | null} */
  #scout = null;

  /** Whether lost connections are replaced. */
  get reconnects() {
    return this.#backoff !== null;
  }

  /** @param {WebSocket} [found]  that is open; default: a new one */
  open(found) {
    this.#heartbeat ??= setInterval(() => this.#beat(), HEARTBEAT * 1000);
    this.#connectedAt = this.#lastHeard = Date.now();
    try {
      const { url, WebSocket, config } = this.#options;
      const socket = found ?? new WebSocket(url);
      this.connection = new Connection({ socket, config: config() }, {
        onMessage: (type, message) => {
          this.#lastHeard = Date.now();
          this.#events.onMessage(type, message);
        },
        onEnd: (cause) => this.#lose(cause),
      });
    } catch (error) {
      this.#events.onOver(new SoriError("CONNECTION_LOST", `cannot connect: ${error}`));
    }
  }

  /**
   * Change to another server as soon as one is found that stays, if lost connections are
   * replaced.
   *
   * @param {SoriError} cause
   */
  leave(cause) {
    if (!this.#backoff || !this.connection || this.#scout) return;
    const { url, WebSocket } = this.#options;
    this.#scout = new Scout(url, WebSocket, (socket) => this.#move(socket, cause));
  }

  close() {
    clearTimeout(this.#retry);
    clearInterval(this.#heartbeat);
    this.#stay();
    this.connection?.drop();
    this.connection = null;
  }

  /** The server got further: the next loss is the first one again. */
  proven() {
    this.#backoff?.reset();
  }

  /**
   * @param {WebSocket} socket
   * @param {SoriError} cause
   */
  #move(socket, cause) {
    this.#scout = null;
    this.connection?.drop();
    this.connection = null;
    this.#events.onLost(1, 0, cause);
    this.open(socket);
  }

  #stay() {
    this.#scout?.stop();
    this.#scout = null;
  }

  /** @param {SoriError} cause */
  #lose(cause) {
    this.connection = null;
    this.#stay();
    const obstacle = this.#events.obstacle(cause);
    const delay = cause.retryable && !obstacle ? this.#backoff?.nextDelay(cause.retryAfter) : null;
    if (!this.#backoff || delay === null || delay === undefined) {
      const message = obstacle ? `${cause.message}; ${obstacle}` : cause.message;
      this.#events.onOver(new SoriError(cause.code, message, cause));
    } else {
      this.#retry = setTimeout(() => this.open(), delay * 1000);
      this.#events.onLost(this.#backoff.attempt, delay, cause);
    }
  }

  #beat() {
    if (!this.connection) return;
    const now = Date.now();
    if (now - this.#connectedAt > STABLE * 1000) this.proven();
    this.#events.onBeat();
    if (this.#events.isDue() && now - this.#lastHeard > SILENCE * 1000) {
      const message = `the server has said nothing for ${SILENCE} s`;
      this.connection.end(new SoriError("CONNECTION_LOST", message, { retryable: true }));
    }
  }
}
