/** Runs in the audio thread: hands on what the microphone hears, in blocks. */

/** Samples handed on at a time, 21 ms at 48 kHz. */
const BLOCK = 1024;

class Tap extends AudioWorkletProcessor {
  #block = new Float32Array(BLOCK);
  #filled = 0;

  /**
   * @param {Float32Array[][]} inputs
   * @returns {boolean}
   */
  process(inputs) {
    const samples = inputs[0]?.[0];
    if (samples) this.#take(samples);
    return true;
  }

  /** @param {Float32Array} samples */
  #take(samples) {
    for (let taken = 0; taken < samples.length; ) {
      const piece = samples.subarray(taken, taken + BLOCK - this.#filled);
      this.#block.set(piece, this.#filled);
      this.#filled += piece.length;
      taken += piece.length;
      if (this.#filled === BLOCK) this.#handOn();
    }
  }

  #handOn() {
    this.port.postMessage(this.#block, [this.#block.buffer]);
    this.#block = new Float32Array(BLOCK);
    this.#filled = 0;
  }
}

registerProcessor("sori-tap", Tap);
