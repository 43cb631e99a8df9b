import assert from "node:assert/strict";
import { afterEach, before, test } from "node:test";
import { event, finals, say, states, streamTo, texts } from "./support/streams.js";
import { RATE, spoken } from "./support/word-audio.js";
import { WordServer } from "./support/word-server.js";

const UTTERANCES = [[1, 2, 3], [4], [5, 6, 7, 8], [9, 10], [11, 12]];
const TEXTS = UTTERANCES.map((words) => words.join(" "));
const AUDIO = spoken(UTTERANCES);
const BYTES = AUDIO.byteLength;
const LEAVING = { code: "SERVER_DRAINING", message: "leaving", retryable: true, retry_after: 0 };

const servers = [];

async function serving(...plans) {
  const server = await WordServer.resuming(...plans);
  servers.push(server);
  return server;
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

/** What a stream of AUDIO gives when its connections go as planned. */
async function heard(plans, options = {}) {
  const server = await serving(...plans);
  const [stream, events] = streamTo(server, options);
  await stream.start();
  await say(stream, AUDIO);
  const summary = await stream.stop();
  return { summary, events, server };
}

const places = (events) =>
  finals(events).map(({ utterance_index, start_offset, end_offset, alternatives }) => ({
    utterance_index, start_offset, end_offset, words: alternatives[0].words,
  }));

let undisturbed;

before(async () => {
  undisturbed = (await heard([])).events;
  assert.deepEqual(texts(undisturbed), TEXTS);
});

/** The events are those of one connection that held, and of one session. */
function assertWhole({ events, summary, server }, connections, about = "") {
  assert.deepEqual(texts(events), TEXTS, about);
  assert.deepEqual(places(events), places(undisturbed), about);
  assert.equal(summary.session_count, 1, about);
  assert.equal(summary.received_audio, AUDIO.length / RATE, about);
  assert.equal(summary.final_result_count, TEXTS.length, about);
  assert.equal(events.started.length, 1, about);
  assert.equal(events.error.length, 0, about);
  assertShownTextGrows(events);
  if (connections) assert.equal(server.connections.length, connections, about);
}

function assertShownTextGrows(events) {
  const shown = new Map();
  for (const { utterance_index, revision, alternatives } of events.result) {
    const { committed_text } = alternatives[0];
    const before = shown.get(utterance_index);
    assert.ok(committed_text.startsWith(before?.committed_text ?? ""));
    assert.ok(revision >= (before?.revision ?? 0));
    shown.set(utterance_index, { committed_text, revision });
  }
}

const asked = (connection) => connection.controls[0].resume;

test("a session is asked for that can be resumed, and its responses are acknowledged", async () => {
  const result = await heard([]);
  assertWhole(result, 1);
  const [{ controls, session }] = result.server.connections;
  assert.deepEqual(asked(result.server.connections[0]), { enabled: true });
  const acks = controls.filter(({ type }) => type === "response_ack");
  assert.ok(acks.length >= 1 && acks.length <= 20);
  assert.ok(session.received > 0);
});

test("a connection cut anywhere costs no word, and the session goes on", async () => {
  for (let after = 1; after < BYTES; after += 7919) {
    const result = await heard([{ after }]);
    assertWhole(result, 2, `cut after ${after} bytes`);
    const { enabled, resume_token, last_sequence } = asked(result.server.connections[1]);
    assert.ok(enabled && resume_token && last_sequence > 0);
    const said = result.server.connections.reduce((sum, { bytes }) => sum + bytes, 0);
    assert.equal(said, BYTES, "only what was not taken is sent again");
  }
});

test("cut anywhere, it goes on at another server", async () => {
  for (let after = 1; after < BYTES; after += 7919) {
    const result = await heard([{ after }, { elsewhere: true }]);
    assertWhole(result, 2, `cut after ${after} bytes`);
  }
});

for (const elsewhere of [false, true]) {
  const where = elsewhere ? "elsewhere" : "there";
  test(`cut before a final is sent, and then it comes, ${where}`, async () => {
    assertWhole(await heard([{ dieAt: "final" }, { elsewhere }]), 2);
    assertWhole(await heard([{ dieAt: "final" }, { elsewhere, dieAt: "final" }]));
  });

  test(`cut between a final and its acknowledgement, it does not come twice, ${where}`, async () => {
    const result = await heard([{ dieAt: "ack" }, { elsewhere }]);
    assertWhole(result, 2);
  });

  test(`cut again and again, ${where}`, async () => {
    const cuts = Array.from({ length: 12 }, (_, at) => ({ after: 3000 + 1001 * at, elsewhere }));
    const result = await heard([{}, {}].map(() => ({ after: 1 })).concat(cuts));
    assertWhole(result);
    assert.ok(result.server.connections.length > 5);
  });
}

test("cut before the server answers, the same token is used again", async () => {
  const drop = { close: 1011 };
  const result = await heard([{ after: 50_000 }, drop, drop, {}]);
  assertWhole(result, 4);
  const [, ...again] = result.server.connections.map((one) => asked(one).resume_token);
  assert.equal(new Set(again).size, 1);
});

for (const dieAtEnd of ["lost", "taken"]) {
  test(`cut after the end of audio, which was ${dieAtEnd}`, async () => {
    const result = await heard([{ dieAtEnd }]);
    assertWhole(result, 2);
    assert.deepEqual(states(result.events).slice(2), [
      "ending", "reconnecting", "open", "ending", "closed",
    ]);
    assertWhole(await heard([{ dieAtEnd }, { dieAtEnd }, { elsewhere: true }]));
  });
}

test("a token that is refused starts a new session, and costs no word", async () => {
  for (let after = 1; after < BYTES; after += 9973) {
    const { events, summary, server } = await heard([{ after }, { unknown: true }]);
    assert.deepEqual(places(events), places(undisturbed), `cut after ${after} bytes`);
    assert.equal(summary.session_count, 2);
    assert.equal(server.connections.length, 3);
    assert.deepEqual(asked(server.connections[2]), { enabled: true });
  }
});

test("a new session can be resumed in its turn, with offsets of its own", async () => {
  const { events, summary } = await heard([
    { after: 70_000 }, { unknown: true }, { after: 40_000 }, {}, { after: 9000 },
  ]);
  assert.deepEqual(places(events), places(undisturbed));
  assert.equal(summary.session_count, 2);
});

test("a session that failed is not resumed", async () => {
  const error = { code: "IDLE_TIMEOUT", message: "silent", retryable: false };
  const { events, summary, server } = await heard([{ after: 60_000, error, close: 4408 }]);
  assert.deepEqual(places(events), places(undisturbed));
  assert.equal(summary.session_count, 2);
  assert.deepEqual(asked(server.connections[1]), { enabled: true });
});

test("superseded, the stream is over and does not come back", async () => {
  const server = await serving();
  const [stream, events] = streamTo(server);
  await stream.start();
  const told = event(stream, "error");
  stream.send(AUDIO.subarray(0, 5000));
  server.connections[0].supersede();
  assert.equal((await told).code, "SESSION_SUPERSEDED");
  await assert.rejects(stream.stop(), { code: "SESSION_SUPERSEDED" });
  assert.equal(server.connections.length, 1);
  assert.deepEqual(states(events), ["connecting", "open", "closed"]);
});

test("from a server that leaves it goes to one that stays", async () => {
  const stays = { elsewhere: true };
  const server = await serving({ goAway: 40_000 }, { turnAway: LEAVING }, stays);
  const [stream, events] = streamTo(server);
  await stream.start();
  const half = AUDIO.length / 2;
  await say(stream, AUDIO.subarray(0, half));
  const change = event(stream, "statechange");
  const { cause } = await change;
  assert.equal(cause.code, "SERVER_DRAINING");
  assert.ok(server.connections[2].controls.length <= 1, "nothing is said before it is found");
  await say(stream, AUDIO.subarray(half));
  const summary = await stream.stop();
  assertWhole({ events, summary, server }, 3);
  assert.equal(events.goaway.length, 1);
  assert.deepEqual(states(events), [
    "connecting", "open", "reconnecting", "open", "ending", "closed",
  ]);
});

test("while no server stays, the one that leaves is listened to", async () => {
  const turnAway = LEAVING;
  const result = await heard([{ goAway: 10_000 }, { turnAway }, { turnAway }, { turnAway }]);
  assertWhole(result);
  assert.deepEqual(states(result.events), ["connecting", "open", "ending", "closed"]);
});

test("what a leaving server cut in mid-word is heard whole at the next one", async () => {
  for (let after = 16_001; after < BYTES; after += 9973) {
    const plan = { after, forced: true, error: LEAVING, close: 1012 };
    assertWhole(await heard([plan, { elsewhere: true }]), 2, `cut after ${after} bytes`);
  }
});

test("a finalize is answered once, wherever the session goes on", async () => {
  const cut = 22_001;
  for (let after = 2 * cut - 9000; after < 2 * cut + 30_000; after += 4999) {
    for (const elsewhere of [false, true]) {
      const server = await serving({ after }, { elsewhere });
      const [stream, events] = streamTo(server);
      await stream.start();
      await say(stream, AUDIO.subarray(0, cut));
      const finalized = stream.finalize("mine");
      await say(stream, AUDIO.subarray(cut));
      assert.deepEqual(await finalized, { request_id: "mine", offset: cut / RATE });
      await stream.stop();
      assert.equal(events.finalized.length, 1, `cut after ${after} bytes, ${elsewhere}`);
      assert.deepEqual(texts(events), TEXTS);
    }
  }
});

test("a session whose audio is gone gives way to a new one, and the loss is told", async () => {
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
  assert.equal(summary.session_count, 2);
  assert.equal(summary.dropped_audio.toFixed(3), (total - 2).toFixed(3));
  assert.deepEqual(events.warning.map(({ reason }) => reason), ["audio_dropped"]);
  const [last, wanted] = [events, undisturbed].map((one) => places(one).at(-1));
  assert.deepEqual(last.words, wanted.words);
});

test("without reconnecting no session is asked for that can be resumed", async () => {
  const { server } = await heard([], { reconnect: false });
  const [{ controls, session }] = server.connections;
  assert.deepEqual(controls.map(({ type }) => type), ["config", "end_of_audio"]);
  assert.equal(controls[0].resume, undefined);
  assert.equal(session.received, 0);
});

test("aborted, it leaves no session behind that waits for it", async () => {
  const server = await serving();
  const [stream] = streamTo(server);
  await stream.start();
  stream.abort();
  const [connection] = server.connections;
  while (!connection.over) await new Promise(setImmediate);
  assert.equal(connection.controls.at(-1).type, "end_of_audio");
  assert.ok(connection.session.over);
});

test("a page that is left for good aborts its streams, one that is kept does not", async () => {
  const page = new EventTarget();
  globalThis.addEventListener = page.addEventListener.bind(page);
  globalThis.removeEventListener = page.removeEventListener.bind(page);
  const hide = (persisted) =>
    page.dispatchEvent(Object.assign(new Event("pagehide"), { persisted }));
  try {
    const server = await serving();
    const [stream] = streamTo(server);
    await stream.start();
    hide(true);
    assert.equal(stream.state, "open");
    hide(false);
    assert.equal(stream.state, "closed");
    hide(false);
  } finally {
    delete globalThis.addEventListener;
    delete globalThis.removeEventListener;
  }
});

test("a response that is missing ends the stream", async () => {
  const server = await serving();
  const [stream, events] = streamTo(server);
  await stream.start();
  const { session } = server.connections[0];
  session.last += 1;
  const told = event(stream, "error");
  session.progress();
  assert.equal((await told).code, "PROTOCOL_VIOLATION");
  assert.equal(events.progress.length, 0);
});
