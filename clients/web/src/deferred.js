/**
 * A promise that is settled from outside. Nobody has to wait for it: its rejection alone is no
 * unhandled one.
 *
 * @template T
 */
export class Deferred {
  constructor() {
    /** @type {Promise<T>} */
    this.promise = new Promise((resolve, reject) => {
      /** @type {(value: T) => void} */
      this.resolve = resolve;
      /** @type {(reason: Error) => void} */
      this.reject = reject;
    });
    this.promise.catch(() => {});
  }

  /** @type {(value: T) => void} */
  resolve = () => {};
  /** @type {(reason: Error) => void} */
  reject = () => {};
}
