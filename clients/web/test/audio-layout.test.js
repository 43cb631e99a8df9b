import assert from "node:assert/strict";
import { test } from "node:test";
import { AudioLayout } from "../src/audio-layout.js";

test("raw audio has a byte rate, and sessions begin at whole frames", () => {
  const stereo = new AudioLayout({
    encoding: "float32", sample_rate_hertz: 44_100, channel_count: 2,
  });
  assert.deepEqual([stereo.frameBytes, stereo.byteRate, stereo.seekable], [8, 352_800, true]);
  assert.equal(stereo.byteAt(1), 352_800);
  assert.equal(stereo.byteAt(1.00001) % 8, 0);
  assert.equal(new AudioLayout({ encoding: "mulaw", sample_rate_hertz: 8000 }).byteRate, 8000);
});

test("offsets that are whole samples are not rounded down to the one before", () => {
  const layout = new AudioLayout({ encoding: "linear16", sample_rate_hertz: 16_000 });
  for (let sample = 0; sample < 20_000; sample += 1) {
    assert.equal(layout.byteAt(sample / 16_000), 2 * sample);
  }
});

test("containers cannot be entered in the middle", () => {
  const opus = new AudioLayout({ encoding: "webm_opus" });
  assert.equal(opus.seekable, false);
  assert.ok(opus.byteRate > 0);
});

test("samples of another kind than the config's are refused", () => {
  const layout = new AudioLayout({ encoding: "linear16", sample_rate_hertz: 16_000 });
  assert.deepEqual([...layout.bytesOf(Int16Array.of(1, 256))], [1, 0, 0, 1]);
  assert.deepEqual([...layout.bytesOf(Uint8Array.of(1, 2, 3).subarray(1))], [2, 3]);
  assert.deepEqual([...layout.bytesOf(Uint8Array.of(4).buffer)], [4]);
  assert.throws(() => layout.bytesOf(new Float32Array(2)), /Float32Array is float32/);
  assert.throws(() => layout.bytesOf("text"), TypeError);
});
