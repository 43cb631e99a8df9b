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

/** A stream whose timers and sockets are in the test's hand. */
function opened(options = {}) {
  const stream = new SoriStream({ url: "ws://host/v1/stream", WebSocket: FakeSocket, ...options });
  return [stream, kept(stream), () => FakeSocket.made.at(-1)];
}

test("the config is completed, and nothing but it is sent before the session", () => {
  const [stream, , socket] = opened({ config: { preset: "captions" } });
  stream.start();
  stream.send(new Uint8Array(10));
  socket().onopen();
  assert.deepEqual(socket().sent, [{
    type: "config",
    preset: "captions",
    progress_interval: 5,
    resume: { enabled: true },
    recognition: { audio_format: { encoding: "linear16", sample_rate_hertz: 16_000 } },
  }]);
  socket().say({ type: "session_started", session_id: "s" });
  assert.equal(socket().audioBytes, 10);
  stream.abort();
});

test("http addresses are those of WebSockets", () => {
  const [stream, , socket] = opened({ url: "https://host:8765/v1/stream" });
  stream.start();
  assert.equal(socket().url, "wss://host:8765/v1/stream");
  stream.abort();
});

test("start, stop and abort can be called again", async () => {
  const [stream, events, socket] = opened();
  assert.equal(stream.start(), stream.start());
  socket().accept();
  assert.equal((await stream.start()).session_id, "s");
  assert.equal(stream.stop(), stream.stop());
  assert.deepEqual(socket().types, ["config", "end_of_audio"]);
  socket().say({ type: "session_summary", received_audio: 0, speech_audio: 0 });
  assert.equal((await stream.stop()).session_count, 1);
  stream.abort();
  stream.abort();
  assert.deepEqual(states(events), ["connecting", "open", "ending", "closed"]);
  assert.equal(FakeSocket.made.length, 1);
});

test("a stream that was never started stops with nothing", async () => {
  const [stream] = opened();
  assert.equal((await stream.stop()).session_count, 0);
  await assert.rejects(stream.start());
  assert.equal(stream.state, "closed");
});

test("abort closes at once and rejects whoever waits", async () => {
  const [stream, events, socket] = opened();
  const started = stream.start();
  const finalized = stream.finalize();
  stream.abort();
  await assert.rejects(started, { code: "ABORTED" });
  await assert.rejects(finalized, { code: "ABORTED" });
  await assert.rejects(stream.stop(), { code: "ABORTED" });
  assert.ok(socket().closed);
  assert.deepEqual([events.error.length, states(events).at(-1)], [0, "closed"]);
});

test("aborted while it reconnects, nothing is said on a socket that is not open yet", () => {
  const [stream, , socket] = opened();
  stream.start();
  socket().onopen();
  socket().say({ type: "session_started", sequence: 1, session_id: "s", resume_token: "t" });
  socket().onclose({ code: 1006, reason: "" });
  mock.timers.tick(1000);
  assert.equal(FakeSocket.made.length, 2);
  stream.abort();
  assert.deepEqual(socket().sent, []);
  assert.ok(socket().closed);
});

test("stopped while connecting, everything is sent and the end follows it", () => {
  const [stream, events, socket] = opened();
  stream.start();
  stream.send(new Uint8Array(100));
  stream.stop();
  stream.send(new Uint8Array(100)); // too late
  socket().accept();
  assert.deepEqual(socket().sent.at(-1), { type: "end_of_audio", total_bytes: 100 });
  assert.deepEqual(states(events), ["connecting", "open", "ending"]);
  stream.abort();
});

test("an idle stream says every 20 s that it lives", () => {
  const [stream, , socket] = opened();
  stream.start();
  socket().accept();
  const beats = () => socket().types.filter((type) => type === "keep_alive").length;
  mock.timers.tick(19_000);
  assert.equal(beats(), 0);
  mock.timers.tick(1000);
  assert.equal(beats(), 1);
  mock.timers.tick(10_000);
  stream.send(new Uint8Array(2));
  mock.timers.tick(19_000);
  assert.equal(beats(), 1);
  mock.timers.tick(1000);
  assert.equal(beats(), 2);
  stream.abort();
});

test("a socket that is full is not given more, and goes on when it drains", () => {
  const [stream, , socket] = opened();
  stream.start();
  socket().accept();
  socket().bufferedAmount = 2 * SECOND;
  stream.send(new Uint8Array(SECOND));
  mock.timers.tick(500);
  assert.equal(socket().audioBytes, 0);
  socket().bufferedAmount = 0;
  mock.timers.tick(50);
  assert.equal(socket().audioBytes, SECOND);
  stream.abort();
});

test("whoever sends faster than is taken waits until the server has it", async () => {
  const [stream, , socket] = opened();
  stream.start();
  socket().accept();
  await stream.send(new Uint8Array(9 * SECOND));
  let room = false;
  void stream.send(new Uint8Array(2 * SECOND)).then(() => (room = true));
  await Promise.resolve();
  assert.equal(room, false);
  const progress = { type: "progress", received_offset: 5, final_offset: 0 };
  socket().say({ ...progress, acknowledged_byte_offset: 5 * SECOND });
  await new Promise(setImmediate);
  assert.equal(room, true);
  stream.abort();
});

test("a server that says nothing although it owes an answer counts as lost", () => {
  const [stream, events, socket] = opened();
  stream.start();
  socket().accept();
  stream.send(new Uint8Array(11 * SECOND));
  mock.timers.tick(60_000);
  assert.deepEqual(states(events), ["connecting", "open"]);
  mock.timers.tick(1000);
  assert.equal(states(events).at(-1), "reconnecting");
  mock.timers.tick(1000);
  socket().accept();
  assert.equal(FakeSocket.made.length, 2);
  assert.equal(socket().audioBytes, 11 * SECOND);
  stream.abort();
});

test("a server that does not start a session in time counts as lost", () => {
  const [stream, events] = opened();
  stream.start();
  mock.timers.tick(15_000);
  assert.equal(events.statechange.at(-1).cause.code, "CONNECTION_LOST");
  stream.abort();
});

test("what is no server of this protocol is an error", async () => {
  const [stream, , socket] = opened();
  const started = stream.start();
  socket().onmessage({ data: "hello" });
  await assert.rejects(started, { code: "PROTOCOL_VIOLATION" });
});

test("messages of a kind that is not known are skipped", () => {
  const [stream, events, socket] = opened();
  stream.start();
  socket().accept();
  socket().say({ type: "unknown", sequence: 2 });
  assert.equal(events.error.length, 0);
  stream.abort();
});

test("a container is sent from its start again, and known results are left out", () => {
  const config = { recognition: { audio_format: { encoding: "webm_opus" } } };
  const [stream, events, socket] = opened({ config });
  const result = (utterance_index, start_offset, end_offset, is_final = true) =>
    socket().say({
      type: "result", utterance_index, start_offset, end_offset, is_final, revision: 1,
      channel_tag: 0, alternatives: [{ committed_text: `${end_offset}`, words: [] }],
    });
  stream.start();
  socket().accept();
  stream.send(new Uint8Array(500));
  result(0, 0, 2);
  result(1, 3, 4);
  result(2, 5, 5.5, false);
  socket().onclose({ code: 1006, reason: "" });
  mock.timers.tick(1000);
  socket().accept();
  assert.equal(socket().audioBytes, 500);
  result(0, 0, 2);
  result(2, 5, 5.5, false); // before the session has come to what is new
  result(1, 3, 4);
  result(2, 5, 6, false);
  result(2, 5, 7);
  assert.deepEqual(finals(events).map((one) => [one.utterance_index, one.end_offset]), [
    [0, 2], [1, 4], [2, 7],
  ]);
  assert.deepEqual(events.result.map((one) => one.revision), [1, 1, 1, 2, 2]);
  stream.abort();
});

test("a container that is not held from its start on cannot go on", async () => {
  const config = { recognition: { audio_format: { encoding: "webm_opus" } } };
  const [stream, events, socket] = opened({ config, heldAudio: 1 });
  stream.start();
  socket().accept();
  stream.send(new Uint8Array(SECOND + 1));
  socket().onclose({ code: 1006, reason: "" });
  await assert.rejects(stream.stop(), { code: "CONNECTION_LOST", message: /container/ });
  assert.equal(events.error.length, 1);
});
