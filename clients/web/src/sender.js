/** Decides what goes to the server next. */

/** Seconds of audio a socket may hold: more stays where it can be sent again from. */
const SOCKET_AUDIO = 2;

/** Seconds without anything sent after which the server is told that the client lives. */
const KEEP_ALIVE = 20;

/** Seconds between two looks at a socket that is full. */
const DRAIN_POLL = 0.05;

/**
 * @typedef {object} Finalize
 * @property {number} place  of the cut, in the client's audio
 * @property {string} requestId
 * @property {boolean} sent  in this session
 * @property {boolean} carried  over an earlier connection of it
 */

/**
 * Sends held audio, and each `finalize` after the audio it cuts, as fast as the socket takes
 * them; after `finish` the end of audio. A socket that is lost can be replaced: the next one
 * starts wherever the caller says.
 */
export class Sender {
  /**
   * @param {import("./held-audio.js").HeldAudio} held
   * @param {import("./audio-layout.js").AudioLayout} layout
   * @param {(from: number, to: number) => void} onGap  these bytes are gone and were not sent
   */
  constructor(held, layout, onGap) {
    this.#held = held;
    this.#layout = layout;
    this.#onGap = onGap;
    /** Place of the next byte to send. */
    this.place = 0;
    /** Bytes sent in this session. */
    this.sentBytes = 0;
    /** Whether `end_of_audio` was sent in this session. */
    this.ended = false;
  }

  #held;
  #layout;
  #onGap;
  /** @type {import("./connection.js").Connection | null} */
  #connection = null;
  /** @type {Finalize[]} */
  #finalizes = [];
  #finishing = false;
  #lastSent = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #poll;

  /**
   * Send over `connection` from now on, from `place` on.
   *
   * @param {import("./connection.js").Connection} connection
   * @param {number} place
   * @param {number} offset  bytes of the session that came before; 0: it is a new one
   */
  attach(connection, place, offset) {
    this.#connection = connection;
    this.place = place;
    this.sentBytes = offset;
    this.ended = false;
    this.#lastSent = Date.now();
    for (const finalize of this.#finalizes) {
      finalize.sent = finalize.carried = offset > 0 && finalize.place < place;
    }
    this.pump();
  }

  /** Send nothing until there is another connection. */
  detach() {
    this.#connection = null;
    clearTimeout(this.#poll);
  }

  /** @param {string} requestId  for what was appended so far */
  finalize(requestId) {
    this.#finalizes.push({ place: this.#held.end, requestId, sent: false, carried: false });
    this.pump();
  }

  /** @param {string} requestId  was answered */
  settle(requestId) {
    const at = this.#finalizes.findIndex((one) => one.requestId === requestId);
    if (at >= 0) this.#finalizes.splice(at, 1);
  }

  /**
   * Requests the session heard before its connection was lost, for what is before `place`.
   *
   * @param {number} place
   */
  carriedTo(place) {
    const carried = this.#finalizes.filter((one) => one.carried && one.place <= place);
    return carried.map(({ requestId, place: cut }) => ({ requestId, place: cut }));
  }

  /** No more audio will be appended. */
  finish() {
    this.#finishing = true;
    this.pump();
  }

  /** Send what the socket takes. */
  pump() {
    clearTimeout(this.#poll);
    const most = this.#layout.byteRate * SOCKET_AUDIO;
    while (this.#connection && this.#connection.waiting < most) {
      if (!this.#sendNext(this.#connection)) return;
    }
    if (this.#connection) this.#poll = setTimeout(() => this.pump(), DRAIN_POLL * 1000);
  }

  /** Tell the server that the client lives, if it has heard nothing for long. */
  keepAlive() {
    if (Date.now() - this.#lastSent >= KEEP_ALIVE * 1000) this.#send({ type: "keep_alive" });
  }

  /**
   * @param {import("./connection.js").Connection} connection
   * @returns {boolean}  false: there is nothing
   */
  #sendNext(connection) {
    if (this.place < this.#held.start) this.#skip();
    const finalize = this.#finalizes.find((one) => !one.sent);
    if (finalize && finalize.place <= this.place) {
      finalize.sent = true;
      this.#send({ type: "finalize", request_id: finalize.requestId });
      return true;
    }
    const until = finalize ? finalize.place : this.#held.end;
    const bytes = this.#held.read(this.place, Math.min(until - this.place, this.#layout.byteRate));
    if (bytes.length > 0) {
      connection.sendAudio(bytes);
      this.place += bytes.length;
      this.sentBytes += bytes.length;
      this.#lastSent = Date.now();
      return true;
    }
    if (this.#finishing && !this.ended) {
      this.ended = true;
      this.#send({ type: "end_of_audio", total_bytes: this.sentBytes });
    }
    return false;
  }

  #skip() {
    const [from, to] = [this.place, this.#held.start];
    this.place = to;
    this.#onGap(from, to);
  }

  /** @param {object} message */
  #send(message) {
    this.#connection?.send(message);
    this.#lastSent = Date.now();
  }
}
