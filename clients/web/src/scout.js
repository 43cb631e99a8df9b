/** Looks for a server that stays, while another one is leaving. */

/** Seconds without a word after which a server counts as one that stays: others refuse at once. */
const SILENCE = 0.3;

/** Seconds between two looks, at least and at most. */
const PAUSE = [0.2, 1];

/** Opens sockets until one stays open; says nothing on them. */
export class Scout {
  /**
   * @param {string} url
   * @param {typeof globalThis.WebSocket} WebSocket
   * @param {(socket: WebSocket) => void} onFound  once, with an open socket
   */
  constructor(url, WebSocket, onFound) {
    this.#url = url;
    this.#WebSocket = WebSocket;
    this.#onFound = onFound;
    this.#look();
  }

  #url;
  #WebSocket;
  #onFound;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** Look no further. */
  stop() {
    clearTimeout(this.#timer);
    this.#dismiss();
  }

  #look() {
    const socket = (this.#socket = new this.#WebSocket(this.#url));
    socket.onopen = () => {
      this.#timer = setTimeout(() => this.#find(socket), SILENCE * 1000);
    };
    socket.onmessage = socket.onclose = () => this.#lookAgain();
    socket.onerror = () => {}; // a close follows
  }

  /** @param {WebSocket} socket */
  #find(socket) {
    this.#socket = null;
    this.#onFound(socket);
  }

  #lookAgain() {
    clearTimeout(this.#timer);
    this.#dismiss();
    const [least = 0, most = 0] = PAUSE;
    const pause = least + Math.random() * (most - least);
    this.#timer = setTimeout(() => this.#look(), pause * 1000);
  }

  #dismiss() {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}
