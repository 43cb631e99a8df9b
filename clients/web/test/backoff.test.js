import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "../src/backoff.js";

const OPTIONS = { firstDelay: 0.5, maxDelay: 4, giveUpAfter: 30 };

test("ceilings double up to the longest delay", () => {
  const backoff = new Backoff(OPTIONS, () => 1, () => 0);
  const delays = Array.from({ length: 5 }, () => backoff.nextDelay());
  assert.deepEqual(delays, [0.5, 1, 2, 4, 4]);
  assert.equal(backoff.attempt, 5);
});

test("the delay is anything up to the ceiling", () => {
  const backoff = new Backoff(OPTIONS, () => 0.25, () => 0);
  assert.deepEqual([backoff.nextDelay(), backoff.nextDelay()], [0.125, 0.25]);
});

test("the server's advice is the least", () => {
  const backoff = new Backoff(OPTIONS, () => 0.5, () => 0);
  assert.equal(backoff.nextDelay(3), 3.25);
});

test("it gives up when the wait would be too long in all", () => {
  let now = 0;
  const backoff = new Backoff(OPTIONS, () => 1, () => now);
  assert.equal(backoff.nextDelay(), 0.5);
  now = 28_500;
  assert.equal(backoff.nextDelay(), 1);
  now = 29_500;
  assert.equal(backoff.nextDelay(), null);
});

test("after a reset it begins anew, and its time too", () => {
  let now = 0;
  const backoff = new Backoff(OPTIONS, () => 1, () => now);
  backoff.nextDelay();
  backoff.nextDelay();
  backoff.reset();
  now = 100_000;
  assert.equal(backoff.nextDelay(), 0.5);
});
