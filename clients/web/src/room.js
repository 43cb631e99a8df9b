/** Makes those wait who have audio faster than it can be recognized. */

import { Deferred } from "./deferred.js";

/** Up to `capacity` bytes may be on the way. */
export class Room {
  /** @param {number} capacity */
  constructor(capacity) {
    this.capacity = capacity;
    /** Bytes given, and bytes the server has. */
    this.given = 0;
    this.received = 0;
  }

  /** @type {Deferred<void>[]} */
  #waiting = [];

  /** Whether more is on the way than should be. */
  get full() {
    return this.given - this.received >= this.capacity;
  }

  /**
   * Resolves when there is room.
   *
   * @returns {Promise<void>}
   */
  async wait() {
    if (!this.full) return;
    /** @type {Deferred<void>} */
    const turn = new Deferred();
    this.#waiting.push(turn);
    await turn.promise;
  }

  /** @param {number} place  the server has what is before it */
  receive(place) {
    this.received = place;
    if (!this.full) this.release();
  }

  /** Nobody waits any longer. */
  release() {
    for (const turn of this.#waiting.splice(0)) turn.resolve();
  }
}
