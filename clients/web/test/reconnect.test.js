import assert from "node:assert/strict";
import { afterEach, before, test } from "node:test";
import { event, finals, say, states, streamTo, texts } from "./support/streams.js";
import { RATE, spoken } from "./support/word-audio.js";
import { WordServer } from "./support/word-server.js";

const UTTERANCES = [[1, 2, 3], [4], [5, 6, 7, 8], [9, 10], [11, 12]];
const TEXTS = UTTERANCES.map((words) => words.join(" "));
const AUDIO = spoken(UTTERANCES);
const BYTES = AUDIO.byteLength;

const servers = [];

async function serving(...plans) {
  const server = await WordServer.listening(...plans);
  servers.push(server);
  return server;
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** What a stream of AUDIO gives when its sessions go as planned. */
async function heard(plans, options = {}) {
  const [stream, events] = streamTo(await serving(...plans), options);
  await stream.start();
  await say(stream, AUDIO);
  return { summary: await stream.stop(), events };
}

/** The finals are those of one session that never broke off. */
function assertWhole(events, undisturbed) {
  assert.deepEqual(texts(events), TEXTS);
  const places = (one) =>
    finals(one).map(({ utterance_index, start_offset, end_offset, alternatives }) => ({
      utterance_index, start_offset, end_offset, words: alternatives[0].words,
    }));
  assert.deepEqual(places(events), places(undisturbed));
}

let undisturbed;

before(async () => {
  undisturbed = (await heard([])).events;
});

test("without a loss there is one session", () => {
  assert.deepEqual(texts(undisturbed), TEXTS);
  assert.deepEqual(states(undisturbed), ["connecting", "open", "ending", "closed"]);
});

test("a connection cut anywhere loses, doubles and moves no word", async () => {
  for (let after = 1; after < BYTES; after += 7919) {
    const { events, summary } = await heard([{ after }]);
    assertWhole(events, undisturbed);
    assert.equal(summary.session_count, 2, `cut after ${after} bytes`);
    assert.equal(summary.received_audio, AUDIO.length / RATE);
    assert.equal(summary.final_result_count, TEXTS.length);
  }
});

test("cut again and again", async () => {
  const cuts = Array.from({ length: 12 }, (_, at) => ({ after: 5000 + 4001 * at }));
  const { events, summary } = await heard(cuts);
  assertWhole(events, undisturbed);
  assert.ok(summary.session_count > 3);
});

for (const code of [1006, 1011, 1012, 1013]) {
  test(`after close code ${code} it goes on`, async () => {
    const plan = { after: BYTES / 2, ...(code === 1006 ? {} : { close: code }) };
    const { events } = await heard([plan]);
    assertWhole(events, undisturbed);
    assert.equal(events.error.length, 0);
  });
}

test("a server that leaves cuts in mid-word, and the next one hears the word whole", async () => {
  const error = { code: "SERVER_DRAINING", message: "leaving", retryable: true, retry_after: 0 };
  for (let after = 16_001; after < BYTES; after += 9973) {
    const { events } = await heard([{ after, forced: true, error, close: 1012 }]);
    assertWhole(events, undisturbed);
  }
});

test("without reconnecting, what a leaving server heard is final, and the error is told", async () => {
  const error = { code: "SERVER_DRAINING", message: "leaving", retryable: true };
  const plan = { after: 30_000, forced: true, error, close: 1012 };
  const server = await serving(plan);
  const [stream, events] = streamTo(server, { reconnect: false });
  await stream.start();
  const told = event(stream, "error");
  await say(stream, AUDIO);
  assert.equal((await told).code, "SERVER_DRAINING");
  await assert.rejects(stream.stop(), { code: "SERVER_DRAINING" });
  assert.equal(finals(events).length, 1);
  assert.equal(stream.state, "closed");
});

test("lost between the end of audio and the summary", async () => {
  const { events, summary } = await heard([{ dieAtEnd: "lost" }]);
  assertWhole(events, undisturbed);
  assert.deepEqual(states(events).slice(2), ["ending", "reconnecting", "open", "ending", "closed"]);
  assert.equal(summary.session_count, 2);
});

test("refused for now, it comes back, and waits as long as it is asked to", async () => {
  const refuse = { code: "MODEL_LOADING", message: "loading", retryable: true, retry_after: 0.2 };
  const { events } = await heard([{ refuse }, { close: 1013 }]);
  assertWhole(events, undisturbed);
  const waits = events.statechange.filter(({ state }) => state === "reconnecting");
  assert.deepEqual(waits.map(({ attempt }) => attempt), [1, 2]);
  assert.ok(waits[0].retryIn >= 0.2);
  assert.equal(waits[0].cause.code, "MODEL_LOADING");
});

test("refused for good, start rejects and nothing is tried again", async () => {
  const refuse = { code: "MODEL_NOT_FOUND", message: "none", field: "config.recognition.model" };
  const server = await serving({ refuse, close: 4404 });
  const [stream, events] = streamTo(server);
  await assert.rejects(stream.start(), { code: "MODEL_NOT_FOUND", field: refuse.field });
  assert.deepEqual(states(events), ["connecting", "closed"]);
  assert.deepEqual(events.error.map(({ code }) => code), ["MODEL_NOT_FOUND"]);
  await assert.rejects(stream.stop(), { code: "MODEL_NOT_FOUND" });
  assert.equal(server.connections.length, 1);
});

test("without a server it gives up after a while", async () => {
  const server = await serving();
  const reconnect = { firstDelay: 0.01, maxDelay: 0.02, giveUpAfter: 0.3 };
  const [stream, events] = streamTo(server, { reconnect });
  await server.close();
  await assert.rejects(stream.start(), { code: "CONNECTION_LOST" });
  assert.ok(events.statechange.filter(({ state }) => state === "reconnecting").length > 2);
});

test("a finalize that was not answered is asked again, at its place", async () => {
  const server = await serving({ after: 40_000 });
  const [stream] = streamTo(server);
  await stream.start();
  const half = AUDIO.subarray(0, 22_001);
  await say(stream, half);
  const finalized = stream.finalize("mine");
  await say(stream, AUDIO.subarray(22_001));
  assert.deepEqual(await finalized, { request_id: "mine", offset: 22_001 / RATE });
  await stream.stop();
});

test("audio that no server takes in time is dropped from the oldest on, and told", async () => {
  const server = await serving({ after: 1, close: 1012 });
  const [stream, events] = streamTo(server, {
    heldAudio: 2,
    reconnect: { firstDelay: 0.3, maxDelay: 0.3, giveUpAfter: 20 },
  });
  await stream.start();
  void say(stream, AUDIO.subarray(0, 1000));
  await event(stream, "statechange");
  stream.send(AUDIO.subarray(1000));
  const summary = await stream.stop();
  const total = AUDIO.length / RATE;
  const [warning, ...others] = events.warning;
  assert.equal(others.length, 0);
  assert.deepEqual([warning.reason, warning.metadata], [
    "audio_dropped", { start: "0.000", end: (total - 2).toFixed(3) },
  ]);
  assert.equal(summary.dropped_audio.toFixed(3), (total - 2).toFixed(3));
  const last = finals(events).at(-1);
  assert.equal(last.alternatives[0].committed_text, TEXTS.at(-1));
  const place = (one) => [one.start_offset, one.end_offset];
  assert.deepEqual(place(last), place(finals(undisturbed).at(-1)));
});

test("when all is final, a server that does not come back is not needed", async () => {
  const server = await serving({ dieAtEnd: "lost" });
  const reconnect = { firstDelay: 0.05, maxDelay: 0.05, giveUpAfter: 0.1 };
  const [stream, events] = streamTo(server, { reconnect });
  await stream.start();
  const stopped = stream.stop();
  await event(stream, "statechange");
  await server.close();
  assert.equal((await stopped).session_count, 1);
  assert.equal(events.error.length, 0);
});
