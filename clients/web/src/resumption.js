/** What lets a session go on over another connection. */

/** Errors that end a connection and not its session: it waits for the next one. */
const OUTLIVED = new Set(["CONNECTION_LOST", "SERVER_DRAINING", "SLOW_READER", "UPSTREAM_UNAVAILABLE"]);

/** The newest token of the session, and the number of the last response that was delivered. */
export class Resumption {
  /** @param {import("./types.js").ResumeOptions | undefined} wanted  undefined: nothing */
  constructor(wanted) {
    this.#wanted = wanted;
    /** Number of the last response of the session. */
    this.sequence = 0;
  }

  #wanted;
  #token = "";
  #begun = false;
  #frozen = false;

  /** Whether there is a session that another connection can go on with. */
  get possible() {
    return this.#token !== "";
  }

  /** Whether it has begun on the newest connection. */
  get attached() {
    return this.possible && this.#begun;
  }

  /**
   * The `resume` of the config of a new connection.
   *
   * @returns {import("./types.js").ResumeOptions | undefined}
   */
  begin() {
    this.#begun = false;
    if (!this.#token) return this.#wanted;
    return { ...this.#wanted, resume_token: this.#token, last_sequence: this.sequence };
  }

  /**
   * Take note of a response before it is delivered.
   *
   * @param {any} message
   * @returns {boolean}  false: one before it is missing, or it came before
   */
  take(message) {
    if (message.type === "session_started") this.#start(message);
    if (this.#frozen || !this.#wanted) return true;
    const next = message.sequence === this.sequence + 1;
    if (this.possible && !next) return false;
    this.sequence = message.sequence;
    this.#token = message.resume_token || this.#token;
    return true;
  }

  /** Go on from here, and not from what the session says from now on over this connection. */
  freeze() {
    this.#frozen = true;
  }

  /** There is no such session any more, or it is of no use. */
  forget() {
    this.#token = "";
  }

  /**
   * Forget the session if it ended with its connection.
   *
   * @param {import("./errors.js").SoriError} cause
   */
  lose(cause) {
    const outlived = OUTLIVED.has(cause.code) || !this.#begun;
    if (!outlived || cause.code === "RESUME_TOKEN_INVALID") this.forget();
  }

  /** @param {any} message */
  #start({ resumed, sequence }) {
    this.#begun = true;
    this.#frozen = false;
    if (resumed) return;
    this.forget();
    this.sequence = sequence - 1;
  }
}
