/** Final results as files people use: plain text, JSON, SubRip and WebVTT. */

/** Two lines of 42 characters, the common bound for subtitles. */
const MAX_CHARACTERS = 84;

/** Seconds one caption stays on the screen at most, when it can be split. */
const MAX_SECONDS = 7;

/**
 * @typedef {import("./types.js").RecognitionResult} RecognitionResult
 * @typedef {import("./types.js").WordInfo} WordInfo
 *
 * @typedef {object} Caption
 * @property {number} start  seconds
 * @property {number} end
 * @property {string} text  one line
 */

/**
 * One line for each final result that has text.
 *
 * @param {Iterable<RecognitionResult>} results
 */
export function toTxt(results) {
  return withText(results).map((result) => `${textOf(result)}\n`).join("");
}

/**
 * All that is known of the final results, as `sori transcribe` writes it; times in seconds.
 *
 * @param {Iterable<RecognitionResult>} results
 */
export function toJson(results) {
  return `${JSON.stringify({ segments: withText(results).map(segmentOf) }, null, 2)}\n`;
}

/**
 * SubRip: numbered captions, times to the millisecond.
 *
 * @param {Iterable<RecognitionResult>} results
 */
export function toSrt(results) {
  return captions(results)
    .map(({ start, end, text }, at) => `${at + 1}\n${span(start, end, ",")}\n${text}\n`)
    .join("\n");
}

/**
 * WebVTT; `&`, `<` and `>` are written as references.
 *
 * @param {Iterable<RecognitionResult>} results
 */
export function toVtt(results) {
  const cues = captions(results).map(
    ({ start, end, text }) => `\n${span(start, end, ".")}\n${escaped(text)}\n`,
  );
  return `WEBVTT\n${cues.join("")}`;
}

/**
 * Captions of the final results, in order. A result with word times becomes as many as keep
 * each short enough to read; words are never cut. One without word times stays whole.
 *
 * @param {Iterable<RecognitionResult>} results
 * @returns {Caption[]}
 */
function captions(results) {
  return withText(results).flatMap(split);
}

/** @param {Iterable<RecognitionResult>} results */
function withText(results) {
  return [...results].filter((result) => result.is_final && textOf(result));
}

/** @param {RecognitionResult} result */
function textOf(result) {
  return (result.alternatives[0]?.committed_text ?? "").trim();
}

/**
 * @param {RecognitionResult} result
 * @returns {Caption[]}
 */
function split(result) {
  const words = result.alternatives[0]?.words ?? [];
  if (words.length === 0) {
    return [{ start: result.start_offset, end: result.end_offset, text: oneLine(textOf(result)) }];
  }
  /** @type {Caption[]} */
  const found = [];
  for (const { word, text } of spaced(words, textOf(result))) {
    const last = found.at(-1);
    if (last && fits(last, word, text)) {
      last.end = word.end_offset;
      last.text = oneLine(last.text + text);
    } else {
      found.push({ start: word.start_offset, end: word.end_offset, text: oneLine(text) });
    }
  }
  return found;
}

/**
 * Each word with what is before it in the text: a space, or nothing as in Japanese. Words the
 * text does not have are taken to follow a space.
 *
 * @param {WordInfo[]} words
 * @param {string} text
 */
function spaced(words, text) {
  let place = 0;
  return words.map((word) => {
    const at = text.indexOf(word.word, place);
    const joined = at === place && place > 0;
    if (at >= 0) place = at + word.word.length;
    return { word, text: joined ? word.word : ` ${word.word}` };
  });
}

/**
 * @param {Caption} caption
 * @param {WordInfo} word
 * @param {string} text
 */
function fits(caption, word, text) {
  return (
    [...caption.text, ...text].length <= MAX_CHARACTERS &&
    word.end_offset - caption.start <= MAX_SECONDS
  );
}

/**
 * Blank lines end a caption in both formats, so there must be none inside.
 *
 * @param {string} text
 */
function oneLine(text) {
  return text.split(/\s+/u).filter(Boolean).join(" ");
}

/**
 * @param {number} start
 * @param {number} end
 * @param {string} mark  decimal mark
 */
function span(start, end, mark) {
  return `${clock(start, mark)} --> ${clock(end, mark)}`;
}

/**
 * HH:MM:SS and milliseconds.
 *
 * @param {number} seconds
 * @param {string} mark
 */
function clock(seconds, mark) {
  const milliseconds = Math.round(seconds * 1000);
  const parts = [3_600_000, 60_000, 1000].map((unit, at, units) => {
    const rest = at === 0 ? milliseconds : milliseconds % Number(units[at - 1]);
    return String(Math.floor(rest / unit)).padStart(2, "0");
  });
  return `${parts.join(":")}${mark}${String(milliseconds % 1000).padStart(3, "0")}`;
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** @param {RecognitionResult} result */
function segmentOf(result) {
  const [best] = result.alternatives;
  const words = (best?.words ?? []).map((word) => ({
    word: word.word,
    start: rounded(word.start_offset, 3),
    end: rounded(word.end_offset, 3),
    confidence: rounded(word.confidence, 4),
  }));
  return {
    index: result.utterance_index,
    start: rounded(result.start_offset, 3),
    end: rounded(result.end_offset, 3),
    text: textOf(result),
    language: result.language_code,
    language_confidence: rounded(result.language_confidence, 4),
    confidence: rounded(best?.confidence ?? 0, 4),
    ...(words.length > 0 ? { words } : {}),
  };
}

/**
 * @param {number} value
 * @param {number} digits
 */
function rounded(value, digits) {
  return Number(value.toFixed(digits));
}
