/** One WebSocket, on which a session starts or goes on. */

import { SoriError, errorOfClose, errorOfMessage } from "./errors.js";

/** Seconds a server has to take the config and start the session. */
const OPENING_TIMEOUT = 15;

/** `WebSocket.OPEN`. */
const OPEN = 1;

/**
 * @typedef {object} ConnectionOptions
 * @property {WebSocket} socket  that nothing was said on; it may be open
 * @property {import("./types.js").StreamingConfig} config
 *
 * @typedef {object} ConnectionEvents
 * @property {(type: string, message: any) => void} onMessage  not for `error`
 * @property {(cause: SoriError) => void} onEnd  once, unless `drop` was called
 */

/** Sends the config as soon as it is connected; tells everything the server says, and its end. */
export class Connection {
  /**
   * @param {ConnectionOptions} options
   * @param {ConnectionEvents} events
   */
  constructor({ socket, config }, events) {
    this.#events = events;
    this.#socket = socket;
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => this.send({ type: "config", ...config });
    if (this.#socket.readyState === OPEN) this.send({ type: "config", ...config });
    this.#socket.onmessage = ({ data }) => this.#receive(data);
    this.#socket.onclose = ({ code, reason }) => this.end(errorOfClose(code, reason));
    this.#socket.onerror = () => {}; // a close follows, which says as much
    this.#deadline = setTimeout(() => this.end(tooSlow()), OPENING_TIMEOUT * 1000);
  }

  #events;
  #socket;
  #deadline;
  #over = false;

  /** Bytes given to the socket that the network has not taken yet. */
  get waiting() {
    return this.#socket.bufferedAmount;
  }

  /** @param {object} message */
  send(message) {
    this.#socket.send(JSON.stringify(message));
  }

  /** @param {Uint8Array} bytes */
  sendAudio(bytes) {
    this.#socket.send(/** @type {Uint8Array<ArrayBuffer>} */ (bytes));
  }

  /**
   * End it and tell why; nothing if it has ended.
   *
   * @param {SoriError} cause
   */
  end(cause) {
    if (this.#over) return;
    this.drop();
    this.#events.onEnd(cause);
  }

  /** End it and tell nothing more. */
  drop() {
    this.#over = true;
    clearTimeout(this.#deadline);
    this.#socket.close();
  }

  /** @param {unknown} data */
  #receive(data) {
    if (this.#over || typeof data !== "string") return;
    const message = parsed(data);
    if (!message) {
      this.end(new SoriError("PROTOCOL_VIOLATION", "the server does not speak this protocol"));
    } else if (message.type === "error") {
      this.end(errorOfMessage(message));
    } else {
      if (message.type === "session_started") clearTimeout(this.#deadline);
      this.#events.onMessage(message.type, message);
    }
  }
}

/**
 * @param {string} text
 * @returns {any}  null if it is no message
 */
function parsed(text) {
  try {
    const message = JSON.parse(text);
    return typeof message?.type === "string" ? message : null;
  } catch {
    return null;
  }
}

function tooSlow() {
  const message = `no session after ${OPENING_TIMEOUT} s`;
  return new SoriError("CONNECTION_LOST", message, { retryable: true });
}
