import assert from "node:assert/strict";
import { test } from "node:test";
import { HeldAudio } from "../src/held-audio.js";

/** Everything from `place` on, read in pieces. */
function rest(held, place) {
  const found = [];
  for (let bytes; (bytes = held.read(place, 1000)).length > 0; place += bytes.length) {
    found.push(...bytes);
  }
  return found;
}

const counted = (from, to) => Array.from({ length: to - from }, (_, at) => (from + at) % 251);

test("what was appended is read again from anywhere", () => {
  const held = new HeldAudio(1e6);
  for (const [from, to] of [[0, 7], [7, 30_000], [30_000, 40_001]]) {
    held.append(Uint8Array.from(counted(from, to)));
  }
  assert.equal(held.end, 40_001);
  for (const place of [0, 1, 16_383, 16_384, 40_000, 40_001]) {
    assert.deepEqual(rest(held, place), counted(place, 40_001));
  }
});

test("appended bytes are copied", () => {
  const held = new HeldAudio(10);
  const bytes = Uint8Array.of(1, 2);
  held.append(bytes);
  bytes.fill(9);
  assert.deepEqual(rest(held, 0), [1, 2]);
});

test("the oldest go when it is full, and no more than needed", () => {
  const held = new HeldAudio(40_000);
  held.append(Uint8Array.from(counted(0, 100_000)));
  assert.deepEqual([held.start, held.end], [60_000, 100_000]);
  assert.deepEqual(rest(held, 60_000), counted(60_000, 100_000));
});

test("discarded bytes make room", () => {
  const held = new HeldAudio(100);
  held.append(new Uint8Array(90));
  held.discardBefore(50);
  held.append(new Uint8Array(50));
  assert.equal(held.start, 50);
  held.discardBefore(20);
  assert.equal(held.start, 50);
  held.discardBefore(1000);
  assert.deepEqual([held.start, held.end], [140, 140]);
});
