/** The microphone of the page's device, as 16 kHz samples. */

import { SoriError } from "./errors.js";
import { levelOf } from "./level.js";
import { Resampler, toInt16 } from "./resampler.js";

/** Speech models were trained on speech as it is; quiet voices are made louder all the same. */
const CAPTURE = { echoCancellation: false, noiseSuppression: false, autoGainControl: true };

/**
 * @typedef {object} MicrophoneOptions
 * @property {(samples: Int16Array) => void} onAudio  mono, 16 kHz, about 21 ms
 * @property {(level: number) => void} [onLevel]  dBFS of each block
 * @property {() => void} [onEnded]  the device is gone, or may not be used any more
 * @property {string} [deviceId]  from `navigator.mediaDevices.enumerateDevices()`
 * @property {MediaTrackConstraints} [constraints]  besides the device
 */

/** An open microphone; the browser shows that it is, until `close()`. */
export class Microphone {
  /**
   * Open the microphone; the browser asks the user the first time.
   *
   * @param {MicrophoneOptions} options
   * @returns {Promise<Microphone>}
   * @throws {SoriError} `MICROPHONE_DENIED`, `MICROPHONE_UNAVAILABLE`
   */
  static async open(options) {
    const media = await opened(options);
    /** @type {AudioContext | undefined} */
    let context;
    try {
      context = new AudioContext({ latencyHint: "interactive" });
      await context.audioWorklet.addModule(new URL("./worklet.js", import.meta.url));
      await context.resume();
      return new Microphone(media, context, options);
    } catch (error) {
      for (const track of media.getTracks()) track.stop();
      void context?.close();
      throw unavailable(error);
    }
  }

  /**
   * @param {MediaStream} media
   * @param {AudioContext} context
   * @param {MicrophoneOptions} options
   * @private
   */
  constructor(media, context, options) {
    this.#media = media;
    this.#context = context;
    this.#options = options;
    this.#resampler = new Resampler(context.sampleRate);
    this.#tap = new AudioWorkletNode(context, "sori-tap", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
    });
    this.#tap.port.onmessage = ({ data }) => this.#hear(data);
    context.createMediaStreamSource(media).connect(this.#tap);
    for (const track of media.getTracks()) track.onended = () => options.onEnded?.();
  }

  #media;
  #context;
  #options;
  #resampler;
  #tap;
  #closed = false;

  /** Let the device go; hands on the samples that wait in the resampler. Idempotent. */
  async close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#tap.port.onmessage = null;
    this.#give(this.#resampler.flush());
    for (const track of this.#media.getTracks()) track.stop();
    await this.#context.close();
  }

  /** @param {Float32Array} samples */
  #hear(samples) {
    this.#options.onLevel?.(levelOf(samples));
    this.#give(this.#resampler.push(samples));
  }

  /** @param {Float32Array} samples */
  #give(samples) {
    if (samples.length > 0) this.#options.onAudio(toInt16(samples));
  }
}

/** @param {MicrophoneOptions} options */
async function opened({ deviceId, constraints }) {
  if (!navigator.mediaDevices) {
    const message = "browsers give the microphone only to pages from https: or localhost";
    throw new SoriError("MICROPHONE_UNAVAILABLE", message);
  }
  const device = deviceId ? { deviceId: { exact: deviceId } } : {};
  const audio = { channelCount: 1, ...CAPTURE, ...device, ...constraints };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    throw unavailable(error);
  }
}

/** @param {unknown} error */
function unavailable(error) {
  const { name = "", message = "" } = error instanceof Error ? error : {};
  const denied = name === "NotAllowedError" || name === "SecurityError";
  const code = denied ? "MICROPHONE_DENIED" : "MICROPHONE_UNAVAILABLE";
  return new SoriError(code, message || String(error), { retryable: name === "NotReadableError" });
}
