import assert from "node:assert/strict";
import { test } from "node:test";
import { AudioLayout } from "../src/audio-layout.js";
import { SessionClock } from "../src/session-clock.js";
import { Timeline } from "../src/timeline.js";

const SECOND = 32_000;

function begun() {
  const layout = new AudioLayout({ encoding: "linear16", sample_rate_hertz: 16_000 });
  const clock = new SessionClock(layout);
  return { clock, timeline: new Timeline(clock) };
}

const result = (utterance_index, start_offset, end_offset, more = {}) => ({
  utterance_index, start_offset, end_offset, revision: 1, is_final: true, channel_tag: 0,
  language_code: "en", language_confidence: 1,
  alternatives: [{
    committed_text: "word", tentative_text: "", confidence: 1,
    words: [{ word: "word", start_offset, end_offset, confidence: 1 }],
  }],
  ...more,
});

function restart({ clock, timeline }, seconds) {
  clock.restart(seconds * SECOND);
  timeline.restart();
}

test("results of a later session have the stream's numbers and offsets, words too", () => {
  const stream = begun();
  stream.timeline.result(result(0, 0, 1));
  stream.timeline.result(result(2, 2, 3)); // 1 had no text
  restart(stream, 3.5);
  const later = stream.timeline.result(result(1, 1, 2));
  assert.deepEqual(
    [later.utterance_index, later.start_offset, later.end_offset], [4, 4.5, 5.5],
  );
  assert.equal(later.alternatives[0].words[0].start_offset, 4.5);
  assert.equal(stream.timeline.finalCount, 3);
});

test("revisions of an utterance that was open go on", () => {
  const stream = begun();
  const open = { is_final: false };
  stream.timeline.result(result(0, 0, 1, { ...open, revision: 4 }));
  restart(stream, 0);
  assert.equal(stream.timeline.result(result(0, 0, 1, open)).revision, 5);
  assert.equal(stream.timeline.result(result(0, 0, 1, { revision: 2 })).revision, 6);
  assert.equal(stream.timeline.result(result(1, 1, 2, open)).revision, 1);
});

test("after a resume numbers go on, and shown text is not taken back", () => {
  const { timeline } = begun();
  const open = (committed_text, revision) =>
    timeline.result(result(0, 0, 1, {
      is_final: false, revision,
      alternatives: [{ committed_text, tentative_text: "", confidence: 0, words: [] }],
    }));
  open("one two", 3);
  timeline.resume();
  assert.equal(open("one", 1), null);
  assert.equal(open("one two three", 2).revision, 5);
  const final = timeline.result(result(0, 0, 1.5, { revision: 3 }));
  assert.deepEqual([final.utterance_index, final.start_offset, final.revision], [0, 0, 6]);
});

test("channels have numbers and an end of their own", () => {
  const stream = begun();
  stream.timeline.result(result(0, 0, 5, { channel_tag: 1 }));
  stream.timeline.result(result(0, 0, 2, { channel_tag: 2 }));
  restart(stream, 2);
  assert.equal(stream.timeline.result(result(0, 0, 3, { channel_tag: 1 })), null);
  const first = stream.timeline.result(result(1, 4, 5, { channel_tag: 1 }));
  const second = stream.timeline.result(result(0, 1, 3, { channel_tag: 2 }));
  assert.deepEqual([first.utterance_index, second.utterance_index], [1, 1]);
});

test("speech events are given once", () => {
  const stream = begun();
  const event = (offset) => ({ event: "speech_started", offset, channel_tag: 0 });
  assert.equal(stream.timeline.speech(event(2)).offset, 2);
  restart(stream, 1);
  assert.equal(stream.timeline.speech(event(1)), null);
  assert.equal(stream.timeline.speech(event(1.5)).offset, 2.5);
});

test("progress and warnings are shifted", () => {
  const stream = begun();
  restart(stream, 10);
  const progress = {
    acknowledged_byte_offset: 64, received_offset: 2, final_offset: 1, committed_byte_offset: 32,
  };
  assert.deepEqual(stream.timeline.progress(progress), {
    acknowledged_byte_offset: 10 * SECOND + 64, received_offset: 12, final_offset: 11,
    committed_byte_offset: 10 * SECOND + 32,
  });
  const metadata = { start: "1.000", end: "2.500", reason: "TIMEOUT" };
  const warning = stream.timeline.warning({ reason: "recognition_failed", message: "", metadata });
  assert.deepEqual(warning.metadata, { start: "11.000", end: "12.500", reason: "TIMEOUT" });
});
