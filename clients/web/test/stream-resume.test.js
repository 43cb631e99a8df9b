import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { SoriStream } from "../src/index.js";
import { FakeSocket } from "./support/fake-socket.js";
import { finals, kept, states } from "./support/streams.js";

const SECOND = 32_000;

beforeEach(() => {
  FakeSocket.made = [];
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] });
});

afterEach(() => mock.timers.reset());

const socket = () => FakeSocket.made.at(-1);

/** A stream whose session can be resumed. */
function begun() {
  const stream = new SoriStream({ url: "ws://host/v1/stream", WebSocket: FakeSocket });
  const events = kept(stream);
  stream.start();
  socket().resume(1);
  return [stream, events];
}

/** The connection is lost, and the next one goes on at this byte. */
function reconnect(sequence, offset) {
  socket().onclose({ code: 1006, reason: "" });
  mock.timers.tick(5000);
  socket().resume(sequence, offset);
}

const final = (sequence, utterance_index, start_offset, end_offset, more = {}) => ({
  type: "result", sequence, utterance_index, start_offset, end_offset, is_final: true, revision: 1,
  channel_tag: 0, final_reason: "endpoint", resume_token: `token ${sequence}`,
  alternatives: [{ committed_text: "word", tentative_text: "", confidence: 1, words: [] }], ...more,
});

const progress = (sequence, acknowledged, final_offset, committed) => ({
  type: "progress", sequence, acknowledged_byte_offset: acknowledged * SECOND,
  received_offset: acknowledged, final_offset, committed_byte_offset: committed * SECOND,
  resume_token: `token ${sequence}`,
});

test("the newest token, and the number of the last response, go on with the session", () => {
  const [stream] = begun();
  stream.send(new Uint8Array(3 * SECOND));
  socket().say(final(2, 0, 0.5, 2));
  socket().say({ type: "speech_event", sequence: 3, event: "speech_started", offset: 2.5,
    channel_tag: 0 });
  reconnect(4, 2 * SECOND);
  const [{ resume }] = socket().sent;
  assert.deepEqual(resume, { enabled: true, resume_token: "token 2", last_sequence: 3 });
  assert.equal(socket().audioBytes, SECOND);
  stream.stop();
  assert.deepEqual(socket().sent.at(-1), { type: "end_of_audio", total_bytes: 3 * SECOND });
  stream.abort();
});

test("responses are acknowledged at once, and then four times a second", () => {
  const [stream] = begun();
  const acks = () => socket().sent.filter(({ type }) => type === "response_ack")
    .map(({ sequence }) => sequence);
  for (let sequence = 2; sequence < 10; sequence += 1) socket().say(progress(sequence, 0, 0, 0));
  assert.deepEqual(acks(), [1]);
  mock.timers.tick(250);
  assert.deepEqual(acks(), [1, 9]);
  mock.timers.tick(250);
  socket().say(final(10, 0, 0, 1, { is_final: false }));
  assert.deepEqual(acks(), [1, 9]);
  socket().say(final(11, 0, 0, 1));
  assert.deepEqual(acks(), [1, 9, 11]);
  socket().say({ type: "session_summary", sequence: 12, received_audio: 1, speech_audio: 1 });
  assert.deepEqual(acks(), [1, 9, 11, 12]);
});

test("a response is acknowledged after its listeners had it", () => {
  const [stream] = begun();
  mock.timers.tick(250);
  const sent = socket().sent.length;
  stream.addEventListener("result", () => {
    assert.equal(socket().sent.length, sent);
    stream.abort();
  });
  socket().say(final(2, 0, 0, 1));
  assert.equal(socket().sent.filter(({ type }) => type === "response_ack").length, 1);
});

test("what a leaving server forces out moves nothing: the session goes on before it", () => {
  const [stream, events] = begun();
  stream.send(new Uint8Array(4 * SECOND));
  socket().say(final(2, 0, 0.5, 2));
  socket().say(progress(3, 4, 2, 1));
  socket().say(final(4, 1, 2.5, 4, { final_reason: "server" }));
  socket().say(progress(5, 4, 4, 3));
  reconnect(4, SECOND);
  const [{ resume }] = socket().sent;
  assert.deepEqual(resume, { enabled: true, resume_token: "token 3", last_sequence: 3 });
  assert.equal(socket().audioBytes, 3 * SECOND);
  socket().say(progress(5, 4, 2.2, 1));
  reconnect(6, SECOND); // once more, where only the first token is known
  assert.equal(socket().audioBytes, 3 * SECOND);
  socket().say(final(7, 1, 2.5, 4.5));
  assert.deepEqual(finals(events).map(({ end_offset }) => end_offset), [2, 4.5]);
  stream.abort();
});

/** Types of the control messages after the config. */
const controls = () => socket().types.slice(1).filter((type) => type !== "response_ack");

test("a finalize the session has taken is not sent again, and its answer comes", async () => {
  const [stream, events] = begun();
  stream.send(new Uint8Array(SECOND));
  const finalized = stream.finalize("a");
  stream.send(new Uint8Array(SECOND));
  reconnect(2, SECOND + 2);
  assert.deepEqual(controls(), []);
  socket().say({ type: "finalized", sequence: 3, request_id: "a", offset: 1 });
  socket().say({ type: "finalized", sequence: 4, request_id: "a", offset: 1.5 });
  assert.deepEqual(await finalized, { request_id: "a", offset: 1 });
  assert.equal(events.finalized.length, 1);
  stream.abort();
});

test("a finalize the session may not have taken is sent again", () => {
  const [stream] = begun();
  stream.send(new Uint8Array(SECOND));
  stream.finalize("a").catch(() => {});
  reconnect(2, SECOND);
  assert.deepEqual(controls(), ["finalize"]);
  stream.abort();
});

for (const before of [true, false]) {
  const when = before ? "before" : "after";
  test(`a finalize is answered once all before it is final, ${when} the resume`, async () => {
    const [stream, events] = begun();
    stream.send(new Uint8Array(SECOND));
    const finalized = stream.finalize("a");
    stream.send(new Uint8Array(2 * SECOND));
    if (before) socket().say(progress(2, 3, 2.5, 1.5));
    reconnect(before ? 3 : 2, 1.5 * SECOND);
    assert.deepEqual(controls(), []);
    if (!before) socket().say(final(3, 0, 0, 0.8));
    if (!before) assert.equal(events.finalized.length, 0);
    if (!before) socket().say(final(4, 1, 0.8, 2));
    assert.deepEqual(events.finalized, [{ request_id: "a", offset: 1 }]);
    assert.deepEqual(await finalized, { request_id: "a", offset: 1 });
    stream.abort();
  });
}

test("speech in the totals is that of the session, whoever ended it", async () => {
  const [stream] = begun();
  stream.send(new Uint8Array(3 * SECOND));
  socket().say(final(2, 0, 0.5, 2.5));
  reconnect(3, 2 * SECOND);
  const stopped = stream.stop();
  socket().say({ type: "session_summary", sequence: 4, received_audio: 1, speech_audio: 0.5 });
  assert.equal((await stopped).speech_audio, 2);
});

test("a server that leaves and is gone is looked for like any other", () => {
  const [stream, events] = begun();
  const leaving = socket();
  leaving.say({ type: "go_away", sequence: 2, time_left: 5, message: "", resume_token: "token 2" });
  assert.equal(FakeSocket.made.length, 2);
  const looked = socket();
  looked.onopen();
  leaving.onclose({ code: 1006, reason: "" });
  assert.ok(looked.closed);
  mock.timers.tick(250);
  assert.equal(FakeSocket.made.length, 3);
  socket().resume(3);
  mock.timers.tick(5000);
  assert.equal(FakeSocket.made.length, 3);
  assert.deepEqual(states(events), ["connecting", "open", "reconnecting", "open"]);
  stream.abort();
});

test("a container goes on in its middle, though its start is not held", () => {
  const config = { recognition: { audio_format: { encoding: "webm_opus" } } };
  const url = "ws://host/v1/stream";
  const stream = new SoriStream({ url, WebSocket: FakeSocket, config, heldAudio: 1 });
  stream.start();
  socket().resume(1);
  stream.send(new Uint8Array(SECOND));
  stream.send(new Uint8Array(1000));
  reconnect(2, SECOND);
  assert.equal(socket().audioBytes, 1000);
  stream.abort();
});
