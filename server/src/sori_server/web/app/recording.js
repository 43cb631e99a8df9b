import { toInt16 } from "../client/index.js";

// A recording that was made before: read by the browser, sent as if it were spoken, but faster.

export const RATE = 16_000;
/** Largest file that is read, bytes; decoded, it is many times as large. */
export const LARGEST = 256 * 1024 * 1024;
const PIECE = RATE / 4;

/** The sound of a file, mono at 16 kHz.
 *
 * Throws what the browser throws when it finds no audio in it.
 * @param {Blob} file
 * @returns {Promise<Int16Array>} */
export async function decoded(file) {
  const context = new OfflineAudioContext(1, 1, RATE);
  const audio = await context.decodeAudioData(await file.arrayBuffer());
  const mono = new Float32Array(audio.length);
  for (let channel = 0; channel < audio.numberOfChannels; channel += 1) {
    audio.getChannelData(channel).forEach((sample, place) => {
      mono[place] = (mono[place] ?? 0) + sample / audio.numberOfChannels;
    });
  }
  return toInt16(mono);
}

/** Send all samples, as fast as the server takes them.
 * @param {import("../client/index.js").SoriStream} stream
 * @param {Int16Array} samples
 * @param {AbortSignal} signal */
export async function feed(stream, samples, signal) {
  for (let place = 0; place < samples.length && !signal.aborted; place += PIECE) {
    await stream.send(samples.subarray(place, place + PIECE));
  }
}
