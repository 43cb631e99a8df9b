/** Samples at another rate. */

/** Stop band attenuation the filter is made for, in dB. */
const ATTENUATION = 70;

/** Where the pass band ends, as a part of the lower of both Nyquist frequencies. */
const PASS_BAND = 0.875;

/**
 * Band-limited resampling of a stream of mono samples from one rate to another: a polyphase
 * windowed sinc (Kaiser). What lies above the lower Nyquist frequency is at least 65 dB down,
 * and up to 7 kHz of 16 kHz nothing changes by more than 0.1 dB. Output sample n is the input at
 * the time `n / to`, without delay on the clock: `flush` gives the last ones.
 *
 * State between two calls: the newest input, as long as the filter, and the place of the next
 * output in it. Splitting the input otherwise changes no output sample.
 */
export class Resampler {
  /**
   * @param {number} from  rate of the input in Hz, whole
   * @param {number} [to]  rate of the output
   */
  constructor(from, to = 16_000) {
    const common = divisor(from, to);
    this.#up = to / common;
    this.#down = from / common;
    this.#phases = from === to ? [new Float32Array([1])] : filters(from, to, this.#up);
    this.#reach = (Number(this.#phases[0]?.length) - 1) / 2;
    this.#kept = new Float32Array(this.#reach);
  }

  /** Output `n` is input `n * down / up`. */
  #up;
  #down;
  /** For each place between two input samples, the weights of those around it. */
  #phases;
  /** Input samples on each side of an output sample that it is made from. */
  #reach;
  /** Input from `#reach` before the next output on. */
  #kept;
  /** Place of the next output after the first sample it can be at, in 1 / `up` samples. */
  #fraction = 0;
  /** Input samples so far, and output samples. */
  #taken = 0;
  #given = 0;

  /**
   * @param {Float32Array} samples
   * @returns {Float32Array}  what is complete with them
   */
  push(samples) {
    this.#taken += samples.length;
    return this.#convolve(samples);
  }

  /** The samples up to the end of the input; begin a new stream with a new resampler. */
  flush() {
    const rest = this.#convolve(new Float32Array(this.#reach));
    const due = Math.ceil((this.#taken * this.#up) / this.#down) - (this.#given - rest.length);
    return rest.subarray(0, Math.max(due, 0));
  }

  /** @param {Float32Array} samples */
  #convolve(samples) {
    const input = new Float32Array(this.#kept.length + samples.length);
    input.set(this.#kept);
    input.set(samples, this.#kept.length);
    const length = 2 * this.#reach + 1;
    /** @type {number[]} */
    const output = [];
    let [first, fraction] = [0, this.#fraction];
    while (first + length <= input.length) {
      output.push(weighted(input, first, /** @type {Float32Array} */ (this.#phases[fraction])));
      const position = fraction + this.#down;
      first += Math.floor(position / this.#up);
      fraction = position % this.#up;
    }
    this.#fraction = fraction;
    this.#skipTo(input, first);
    this.#given += output.length;
    return Float32Array.from(output);
  }

  /**
   * @param {Float32Array} input
   * @param {number} first
   */
  #skipTo(input, first) {
    this.#kept = input.slice(Math.min(first, input.length));
    const missing = first - input.length; // the next output begins in input that is to come
    if (missing > 0) throw new RangeError("the filter is shorter than a step");
  }
}

/**
 * 16-bit samples of samples from -1 to 1; beyond that they are clipped, and what is no number is
 * silence.
 *
 * @param {Float32Array} samples
 * @returns {Int16Array}
 */
export function toInt16(samples) {
  return Int16Array.from(samples, (sample) =>
    Math.max(-32_768, Math.min(32_767, Math.round((sample || 0) * 32_768))),
  );
}

/**
 * @param {Float32Array} input
 * @param {number} first
 * @param {Float32Array} weights
 */
function weighted(input, first, weights) {
  let sum = 0;
  for (let at = 0; at < weights.length; at += 1) {
    sum += /** @type {number} */ (input[first + at]) * /** @type {number} */ (weights[at]);
  }
  return sum;
}

/**
 * A low pass, sampled at `up` places between two input samples. Each is scaled to let a constant
 * through unchanged.
 *
 * @param {number} from
 * @param {number} to
 * @param {number} up
 * @returns {Float32Array[]}
 */
function filters(from, to, up) {
  const nyquist = Math.min(from, to) / 2 / from; // in cycles per input sample
  const cutoff = (nyquist * (1 + PASS_BAND)) / 2;
  const transition = nyquist * (1 - PASS_BAND);
  const reach = Math.ceil((ATTENUATION - 7.95) / (2.285 * 2 * Math.PI * transition) / 2);
  const step = Math.ceil(from / to);
  const half = Math.max(reach, step);
  return Array.from({ length: up }, (_, phase) => {
    const weights = Float64Array.from({ length: 2 * half + 1 }, (__, tap) => {
      const distance = tap - half - phase / up;
      return sinc(2 * cutoff * distance) * kaiser(distance / (half + 1));
    });
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return Float32Array.from(weights, (weight) => weight / sum);
  });
}

/** @param {number} x */
function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** @param {number} x  -1 to 1 */
function kaiser(x) {
  const beta = 0.1102 * (ATTENUATION - 8.7);
  return Math.abs(x) >= 1 ? 0 : bessel(beta * Math.sqrt(1 - x * x)) / bessel(beta);
}

/**
 * Modified Bessel function of the first kind, of order zero.
 *
 * @param {number} x
 */
function bessel(x) {
  let [sum, term] = [1, 1];
  for (let k = 1; term > sum * 1e-12; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/**
 * @param {number} a
 * @param {number} b
 * @returns {number}
 */
function divisor(a, b) {
  return b === 0 ? a : divisor(b, a % b);
}
