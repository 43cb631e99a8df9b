/** Audio that bears its words: word n is a run of samples of value n. */

export const RATE = 16_000;
/** Samples of a word, and of the pause that ends an utterance. */
export const WORD = 4000;
export const PAUSE = 6400;
/** Silence that ends an utterance, and what of it belongs to the utterance. */
const END_SILENCE = 4000;
const TAIL = 1600;

/**
 * Utterances of numbered words, 0.25 s each, with pauses of 0.4 s before and between them.
 *
 * @param {number[][]} utterances
 * @returns {Int16Array}
 */
export function spoken(utterances) {
  const pieces = utterances.flatMap((words) => [
    new Int16Array(PAUSE),
    ...words.map((word) => new Int16Array(WORD).fill(word)),
  ]);
  pieces.push(new Int16Array(PAUSE));
  const audio = new Int16Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    audio.set(piece, at);
    at += piece.length;
  }
  return audio;
}

/** Hears what `spoken` says: whole words as their number, cut ones with their length. */
export class Ear {
  /** @param {number} start  in samples: what was before it is not heard */
  constructor(start = 0) {
    this.received = this.#start = start;
  }

  #start;
  /** @type {{value: number, start: number, end: number}[]} */
  words = [];
  silence = 0;
  #odd = Buffer.alloc(0);

  /**
   * @param {Buffer} bytes
   * @param {(words: object[], end: number) => void} onUtterance  end in samples
   */
  hear(bytes, onUtterance) {
    const data = Buffer.concat([this.#odd, bytes]);
    for (let at = 0; at + 1 < data.length; at += 2) {
      this.#take(data.readInt16LE(at));
      if (this.words.length > 0 && this.silence === END_SILENCE) this.end(onUtterance);
    }
    this.#odd = data.subarray(data.length - (data.length % 2));
  }

  /** End the utterance, wherever it is. */
  end(onUtterance) {
    const last = this.words.at(-1);
    if (!last) return;
    const words = this.words;
    this.words = [];
    onUtterance(words, Math.min(last.end + TAIL, this.received));
  }

  /** All before it is final. */
  get finalPosition() {
    return this.words[0]?.start ?? Math.max(this.#start, this.received - TAIL);
  }

  #take(value) {
    if (value === 0) {
      this.silence += 1;
    } else {
      const last = this.words.at(-1);
      if (last?.value === value && this.silence === 0) last.end += 1;
      else this.words.push({ value, start: this.received, end: this.received + 1 });
      this.silence = 0;
    }
    this.received += 1;
  }
}

/** @param {{value: number, start: number, end: number}} word */
export function text({ value, start, end }) {
  return end - start === WORD ? String(value) : `${value}(${end - start})`;
}
