/** How long to wait before the next attempt to connect. */

/**
 * @typedef {object} ReconnectOptions
 * @property {number} [firstDelay]  seconds; default 0.25
 * @property {number} [maxDelay]  seconds; default 5
 * @property {number} [giveUpAfter]  seconds without a server; default 120
 */

/**
 * Exponential back-off with full jitter: attempt n waits a random time of up to
 * `firstDelay * 2 ** (n - 1)` seconds, at most `maxDelay`, so that the clients of a server that
 * restarts do not come back all at once.
 */
export class Backoff {
  /**
   * @param {ReconnectOptions} options
   * @param {() => number} [random]  from 0 to 1
   * @param {() => number} [now]  milliseconds
   */
  constructor(options, random = Math.random, now = Date.now) {
    this.firstDelay = options.firstDelay ?? 0.25;
    this.maxDelay = options.maxDelay ?? 5;
    this.giveUpAfter = options.giveUpAfter ?? 120;
    this.attempt = 0;
    this.#random = random;
    this.#now = now;
  }

  #random;
  #now;
  #since = 0;

  /**
   * Seconds until the next attempt, or null when it is time to give up.
   *
   * @param {number | null} retryAfter  seconds the server asks to wait at least
   * @returns {number | null}
   */
  nextDelay(retryAfter = null) {
    if (this.attempt === 0) this.#since = this.#now();
    const ceiling = Math.min(this.maxDelay, this.firstDelay * 2 ** this.attempt);
    const delay = (retryAfter ?? 0) + this.#random() * ceiling;
    const waited = (this.#now() - this.#since) / 1000;
    if (waited + delay > this.giveUpAfter) return null;
    this.attempt += 1;
    return delay;
  }

  /** The server works again. */
  reset() {
    this.attempt = 0;
  }
}
