import assert from "node:assert/strict";
import { test } from "node:test";
import { AudioLayout } from "../src/audio-layout.js";
import { SessionClock } from "../src/session-clock.js";

const clock = () =>
  new SessionClock(new AudioLayout({ encoding: "linear16", sample_rate_hertz: 16_000 }));

test("the first session has the stream's own clock", () => {
  assert.equal(clock().seconds(1.25), 1.25);
  assert.equal(clock().byte(77), 77);
});

test("a later one starts where it starts", () => {
  const later = clock();
  later.restart(64_000);
  assert.equal(later.seconds(0.5), 2.5);
  assert.equal(later.byte(10), 64_010);
});

test("what was dropped is jumped over from there on", () => {
  const jumped = clock();
  jumped.restart(32_000);
  jumped.jump(32_000, 96_000);
  assert.deepEqual([0.999, 1, 1.5].map((at) => jumped.seconds(at)), [1.999, 3, 3.5]);
  assert.deepEqual([31_999, 32_000].map((at) => jumped.byte(at)), [63_999, 96_000]);
});

test("a jump at the very start counts", () => {
  const jumped = clock();
  jumped.restart(0);
  jumped.jump(0, 32_000);
  assert.equal(jumped.seconds(0), 1);
});
