/** Streams against the word server, and what they gave. */

import { once } from "node:events";
import { WebSocket } from "ws";
import { SoriStream } from "../../src/index.js";

/** Bytes sent at a time. */
const PIECE = 3203;

/**
 * A stream to `server` whose events are kept, by name.
 *
 * @param {import("./word-server.js").WordServer} server
 */
export function streamTo(server, options = {}) {
  const reconnect = { firstDelay: 0.01, maxDelay: 0.05, giveUpAfter: 20 };
  const stream = new SoriStream({ url: server.url, WebSocket, reconnect, ...options });
  return [stream, kept(stream)];
}

/** The details of all events of `stream`, by name. */
export function kept(stream) {
  const events = {};
  const names = ["statechange", "started", "result", "speech", "progress", "finalized", "warning",
    "goaway", "error", "summary"];
  for (const name of names) {
    events[name] = [];
    stream.addEventListener(name, ({ detail }) => events[name].push(detail));
  }
  return events;
}

/** Sends `audio` in pieces that end anywhere. */
export async function say(stream, audio) {
  const bytes = new Uint8Array(audio.buffer, audio.byteOffset, audio.byteLength);
  for (let at = 0; at < bytes.length; at += PIECE) {
    await stream.send(bytes.subarray(at, at + PIECE));
    await new Promise(setImmediate);
  }
}

export const finals = (events) => events.result.filter((result) => result.is_final);
export const texts = (events) =>
  finals(events).map((result) => result.alternatives[0].committed_text);
export const states = (events) => events.statechange.map(({ state }) => state);
export const event = (stream, name) => once(stream, name).then(([{ detail }]) => detail);
