import assert from "node:assert/strict";
import { test } from "node:test";
import { Resampler, levelOf, toInt16 } from "../src/index.js";

/** A second of a sine at full scale. */
function sine(rate, hertz) {
  return Float32Array.from({ length: rate }, (_, at) => Math.sin((2 * Math.PI * hertz * at) / rate));
}

function resampled(from, samples, to = 16_000) {
  const resampler = new Resampler(from, to);
  return joined([resampler.push(samples), resampler.flush()]);
}

function joined(pieces) {
  return Float32Array.from(pieces.flatMap((piece) => [...piece]));
}

/** Level without the edges, relative to a sine at full scale. */
const gain = (samples) => levelOf(samples.subarray(1000, -1000)) + 10 * Math.log10(2);

for (const rate of [8000, 22_050, 32_000, 44_100, 48_000, 96_000]) {
  test(`${rate} Hz: up to 7/8 of the lower Nyquist frequency nothing changes`, () => {
    const top = 0.875 * Math.min(rate, 16_000) / 2;
    for (const hertz of [50, 300, 1000, top / 2, top]) {
      assert.ok(Math.abs(gain(resampled(rate, sine(rate, hertz)))) < 0.1, `${hertz} Hz`);
    }
  });
}

for (const rate of [22_050, 44_100, 48_000, 96_000]) {
  test(`${rate} Hz: what 16 kHz cannot hold is 60 dB down at least`, () => {
    for (const hertz of [8001, 8500, 9500, rate / 2 - 500].filter((one) => one < rate / 2)) {
      const level = gain(resampled(rate, sine(rate, hertz)));
      assert.ok(level < -60, `${hertz} Hz: ${level} dB`);
    }
  });
}

test("images of audio at a lower rate are 60 dB down at least", () => {
  const tone = resampled(8000, sine(8000, 3000));
  const wanted = sine(16_000, 3000);
  const error = tone.map((sample, at) => sample - wanted[at]);
  assert.ok(gain(error) < -60);
});

for (const rate of [44_100, 48_000]) {
  test(`${rate} Hz: sample n is the input at n / 16000 s, without delay or clicks`, () => {
    const wanted = sine(16_000, 1000);
    const found = resampled(rate, sine(rate, 1000));
    assert.equal(found.length, 16_000);
    const error = found.map((sample, at) => sample - wanted[at]).subarray(200, -200);
    assert.ok(error.every((difference) => Math.abs(difference) < 1e-3));
  });

  test(`${rate} Hz: however the input is split, the output is the same`, () => {
    const input = sine(rate, 777);
    const whole = resampled(rate, input);
    for (const size of [1, 128, 1000, 4801]) {
      const resampler = new Resampler(rate);
      const pieces = [];
      for (let at = 0; at < input.length; at += size) {
        pieces.push(resampler.push(input.subarray(at, at + size)));
      }
      assert.deepEqual(joined([...pieces, resampler.flush()]), whole, `${size} at a time`);
    }
  });
}

test("the same rate changes nothing", () => {
  const input = sine(16_000, 440);
  assert.deepEqual(resampled(16_000, input), input);
});

test("as much time comes out as went in", () => {
  for (const [rate, length] of [[48_000, 4801], [44_100, 12_345], [8000, 3], [48_000, 0]]) {
    const found = resampled(rate, new Float32Array(length)).length;
    assert.equal(found, Math.ceil((length * 16_000) / rate), `${length} at ${rate} Hz`);
  }
});

test("16-bit samples are rounded and clipped, and what is no number is silence", () => {
  assert.deepEqual([...toInt16(Float32Array.of(0, 0.5, -0.5, 1, -1, 2, -2, NaN, 1e-5))],
    [0, 16_384, -16_384, 32_767, -32_768, 32_767, -32_768, 0, 0]);
});

test("levels are in dBFS", () => {
  assert.equal(levelOf(Float32Array.of(1, -1)), 0);
  assert.equal(levelOf(Int16Array.of(-32_768, -32_768)), 0);
  assert.ok(Math.abs(levelOf(sine(16_000, 1000)) + 3.01) < 0.01);
  assert.equal(levelOf(new Float32Array(10)), -100);
  assert.equal(levelOf(new Float32Array(0)), -100);
});
