/** The config of a stream, with what this package relies on filled in. */

/** Seconds of audio between two messages of progress. */
const PROGRESS_INTERVAL = 5;

/** @type {import("./types.js").AudioFormat} */
const DEFAULT_FORMAT = { encoding: "linear16", sample_rate_hertz: 16_000 };

/**
 * @typedef {import("./types.js").StreamingConfig & {
 *   recognition: {audio_format: import("./types.js").AudioFormat},
 *   progress_interval: number,
 * }} CompleteConfig  `resume`, too, where lost connections are replaced
 */

/**
 * @param {import("./types.js").StreamingConfig} [config]
 * @param {boolean} [reconnects]  lost connections are replaced
 * @returns {CompleteConfig}
 */
export function completed(config = {}, reconnects = true) {
  const recognition = { audio_format: DEFAULT_FORMAT, ...config.recognition };
  const resume = reconnects ? { resume: { enabled: true, ...config.resume } } : {};
  return { progress_interval: PROGRESS_INTERVAL, ...config, ...resume, recognition };
}

/**
 * Where streams connect to: `url` with `http` or `ws`, or by default `/v1/stream` of the server
 * the page came from.
 *
 * @param {string | URL} [url]
 * @returns {string}
 */
export function streamUrl(url) {
  const page = globalThis.location?.href;
  const absolute = new URL(url ?? "/v1/stream", page);
  absolute.protocol = absolute.protocol.replace(/^http/, "ws");
  return absolute.href;
}
