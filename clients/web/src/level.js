/** How loud audio is. */

/** Loudness of silence, in dBFS: there is no number for none at all. */
const FLOOR = -100;

/**
 * Root mean square of samples in dBFS: 0 for a square wave at full scale, -100 for silence.
 *
 * @param {Float32Array | Int16Array} samples
 * @returns {number}
 */
export function levelOf(samples) {
  const full = samples instanceof Int16Array ? 32_768 : 1;
  let power = 0;
  for (const sample of samples) power += (sample / full) ** 2;
  if (!(power > 0)) return FLOOR;
  return Math.max(FLOOR, 10 * Math.log10(power / samples.length));
}
