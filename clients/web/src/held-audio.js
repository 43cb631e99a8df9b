/** The audio a stream may have to send again. */

const BLOCK_BYTES = 16_384;

/**
 * The newest `capacity` bytes of everything that was appended, addressed by their place in it.
 * When it is full the oldest bytes go: who reads compares `start` with where it was.
 */
export class HeldAudio {
  /** @param {number} capacity  bytes */
  constructor(capacity) {
    this.capacity = capacity;
    /** Place of the first byte that is held. */
    this.start = 0;
    /** Place after the last byte. */
    this.end = 0;
  }

  /** @type {Map<number, Uint8Array>} */
  #blocks = new Map();

  /** @param {Uint8Array} bytes  copied */
  append(bytes) {
    for (let taken = 0; taken < bytes.length; ) {
      const offset = this.end % BLOCK_BYTES;
      const piece = bytes.subarray(taken, taken + BLOCK_BYTES - offset);
      this.#block(Math.floor(this.end / BLOCK_BYTES)).set(piece, offset);
      taken += piece.length;
      this.end += piece.length;
      this.discardBefore(this.end - this.capacity);
    }
  }

  /**
   * At least one and at most `most` bytes from `place` on, none at the end. They stay as they
   * are, whatever is appended.
   *
   * @param {number} place  not before `start`
   * @param {number} most
   * @returns {Uint8Array}
   */
  read(place, most) {
    const offset = place % BLOCK_BYTES;
    const length = Math.min(most, this.end - place, BLOCK_BYTES - offset);
    if (length <= 0) return new Uint8Array(0);
    return this.#block(Math.floor(place / BLOCK_BYTES)).subarray(offset, offset + length);
  }

  /** @param {number} place  bytes before it are not needed any more */
  discardBefore(place) {
    const start = Math.min(place, this.end);
    if (start <= this.start) return;
    const [from, to] = [this.start, start].map((at) => Math.floor(at / BLOCK_BYTES));
    for (let number = Number(from); number < Number(to); number += 1) this.#blocks.delete(number);
    this.start = start;
  }

  /** @param {number} number */
  #block(number) {
    let block = this.#blocks.get(number);
    if (!block) {
      block = new Uint8Array(BLOCK_BYTES);
      this.#blocks.set(number, block);
    }
    return block;
  }
}
