/** Tells the server what it need not send again. */

/** Seconds between two acknowledgements. */
const INTERVAL = 0.25;

/** Acknowledges responses, several at once where they come fast. */
export class Acknowledger {
  /** @param {(sequence: number) => void} send  all responses up to this one were delivered */
  constructor(send) {
    this.#send = send;
  }

  #send;
  #delivered = 0;
  #acknowledged = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #pause;

  /** @param {number} sequence  this response and all before it were delivered */
  deliver(sequence) {
    this.#delivered = sequence;
    if (this.#pause === undefined) this.#next();
  }

  /** Acknowledge now what was delivered. */
  flush() {
    if (this.#delivered > this.#acknowledged) this.#send(this.#delivered);
    this.#acknowledged = this.#delivered;
  }

  /** The connection is gone, and the next one begins with the number of the last response. */
  reset() {
    clearTimeout(this.#pause);
    this.#pause = undefined;
    this.#delivered = this.#acknowledged = 0;
  }

  #next() {
    this.#pause = undefined;
    if (this.#delivered === this.#acknowledged) return;
    this.flush();
    this.#pause = setTimeout(() => this.#next(), INTERVAL * 1000);
  }
}
