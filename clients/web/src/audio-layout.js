/** What the bytes of a stream mean in time. */

/** Bytes of one sample of the raw encodings. */
const SAMPLE_BYTES = new Map([
  ["linear16", 2],
  ["float32", 4],
  ["mulaw", 1],
  ["alaw", 1],
]);

/** Taken for the bytes of a second where a container does not say: 256 kbit/s. */
const CONTAINER_RATE = 32_000;

/** Bytes and seconds of an audio format. */
export class AudioLayout {
  /** @param {import("./types.js").AudioFormat} format */
  constructor(format) {
    const sample = SAMPLE_BYTES.get(format.encoding);
    /** Bytes of one sample of all channels. */
    this.frameBytes = (sample ?? 1) * (sample ? format.channel_count || 1 : 1);
    /** Bytes of one second; assumed for containers. */
    this.byteRate = sample ? this.frameBytes * (format.sample_rate_hertz || 0) : CONTAINER_RATE;
    /** Whether a session can begin anywhere in it: not in a container. */
    this.seekable = sample !== undefined;
    this.encoding = format.encoding;
  }

  /**
   * The byte where `seconds` begins: that of a whole frame, at or before it.
   *
   * @param {number} seconds
   */
  byteAt(seconds) {
    const frames = Math.floor((seconds * this.byteRate) / this.frameBytes + 1e-3);
    return frames * this.frameBytes;
  }

  /**
   * `audio` as bytes.
   *
   * @param {Int16Array | Float32Array | Uint8Array | ArrayBuffer} audio
   * @returns {Uint8Array}
   * @throws {TypeError} samples of another kind than the encoding's
   */
  bytesOf(audio) {
    if (audio instanceof ArrayBuffer) return new Uint8Array(audio);
    if (audio instanceof Int16Array) this.#expect("linear16", "Int16Array");
    else if (audio instanceof Float32Array) this.#expect("float32", "Float32Array");
    else if (!(audio instanceof Uint8Array)) throw new TypeError("audio: samples or bytes");
    return new Uint8Array(audio.buffer, audio.byteOffset, audio.byteLength);
  }

  /**
   * @param {string} encoding
   * @param {string} kind
   */
  #expect(encoding, kind) {
    if (this.encoding !== encoding) {
      throw new TypeError(`audio: ${kind} is ${encoding}, but the config says ${this.encoding}`);
    }
  }
}
