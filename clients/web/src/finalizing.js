/** Who waits for an utterance that was ended by request. */

import { Deferred } from "./deferred.js";
import { SoriError } from "./errors.js";

/** @typedef {import("./types.js").Finalized} Finalized */

/** Requests to finalize, each answered once, over as many connections as that takes. */
export class Finalizing {
  /**
   * @param {import("./sender.js").Sender} sender
   * @param {(finalized: Finalized) => void} onAnswer
   */
  constructor(sender, onAnswer) {
    this.#sender = sender;
    this.#onAnswer = onAnswer;
  }

  #sender;
  #onAnswer;
  /** @type {Map<string, Deferred<Finalized>>} */
  #waiting = new Map();
  #requests = 0;

  /**
   * @param {string | undefined} requestId  one that waits: its promise again
   * @param {boolean} tooLate
   * @returns {Promise<Finalized>}
   */
  request(requestId, tooLate) {
    const id = requestId ?? `finalize-${(this.#requests += 1)}`;
    /** @type {Deferred<Finalized>} */
    const waiting = this.#waiting.get(id) ?? new Deferred();
    if (tooLate) {
      waiting.reject(new SoriError("PROTOCOL_VIOLATION", "the stream is ending"));
    } else if (!this.#waiting.has(id)) {
      this.#waiting.set(id, waiting);
      this.#sender.finalize(id);
    }
    return waiting.promise;
  }

  /** @param {Finalized} finalized  ignored if it was told before */
  answer(finalized) {
    const waiting = this.#waiting.get(finalized.request_id);
    if (!waiting) return;
    this.#sender.settle(finalized.request_id);
    this.#waiting.delete(finalized.request_id);
    this.#onAnswer(finalized);
    waiting.resolve(finalized);
  }

  /** @param {SoriError} error  for all who still wait */
  reject(error) {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
