import assert from "node:assert/strict";
import { test } from "node:test";
import { toJson, toSrt, toTxt, toVtt } from "../src/index.js";

const result = (committed_text, start_offset, end_offset, words = []) => ({
  utterance_index: 0, revision: 2, is_final: true, start_offset, end_offset, channel_tag: 0,
  language_code: "en", language_confidence: 0.98765, alternatives: [
    { committed_text, tentative_text: "", confidence: 0.91239, words },
  ],
});

/** Words of a second each from `start` on. */
const timed = (text, start = 0) =>
  text.split(" ").map((word, at) => ({
    word, start_offset: start + at, end_offset: start + at + 1, confidence: 0.5,
  }));

const INTERIM = { ...result("not yet", 9, 10), is_final: false };
const RESULTS = [result(" Hello there. ", 0.5, 1.25), result("", 2, 3), result("<Two>\n\n& more", 3661.0004, 3662.9996), INTERIM];

test("plain text has a line for each final with text", () => {
  assert.equal(toTxt(RESULTS.slice(0, 2)), "Hello there.\n");
});

test("SubRip", () => {
  assert.equal(toSrt(RESULTS),
    "1\n00:00:00,500 --> 00:00:01,250\nHello there.\n\n" +
    "2\n01:01:01,000 --> 01:01:03,000\n<Two> & more\n");
});

test("WebVTT", () => {
  assert.equal(toVtt(RESULTS),
    "WEBVTT\n\n00:00:00.500 --> 00:00:01.250\nHello there.\n" +
    "\n01:01:01.000 --> 01:01:03.000\n&lt;Two&gt; &amp; more\n");
});

test("nothing said", () => {
  assert.deepEqual([toTxt([]), toSrt([INTERIM]), toVtt([])], ["", "", "WEBVTT\n"]);
});

test("long results are split between words, by length and time", () => {
  const words = timed("a b c d e f g h i j");
  assert.equal(toSrt([result("a b c d e f g h i j", 0, 10, words)]),
    "1\n00:00:00,000 --> 00:00:07,000\na b c d e f g\n\n" +
    "2\n00:00:07,000 --> 00:00:10,000\nh i j\n");
  const long = timed(`${"x".repeat(50)} ${"y".repeat(50)}`);
  assert.equal(toVtt([result("", 0, 2, long)]), "WEBVTT\n");
  assert.equal(toSrt([result(long.map(({ word }) => word).join(" "), 0, 2, long)]).match(/-->/g).length, 2);
});

test("words that are written without spaces stay so", () => {
  const words = timed("今日 は いい 天気");
  assert.match(toSrt([result("今日はいい天気", 0, 4, words)]), /今日はいい天気\n$/);
});

test("JSON has what is known, times in seconds", () => {
  const [segment] = JSON.parse(toJson([result("Hi you.", 1.23456, 2, timed("Hi you."))])).segments;
  assert.deepEqual(segment, {
    index: 0, start: 1.235, end: 2, text: "Hi you.", language: "en",
    language_confidence: 0.9877, confidence: 0.9124,
    words: [
      { word: "Hi", start: 0, end: 1, confidence: 0.5 },
      { word: "you.", start: 1, end: 2, confidence: 0.5 },
    ],
  });
});
