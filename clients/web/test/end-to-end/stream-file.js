/**
 * Streams raw 16-bit samples at 16 kHz to a server, `speed` times as fast as they were spoken, or
 * as fast as they are taken when it is 0; prints each event as a line of JSON.
 *
 *     node stream-file.js URL FILE SPEED CONFIG
 */

import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { SoriStream } from "../../src/index.js";

const PIECE_SECONDS = 0.1;
const PIECE_BYTES = 3200;

const [url, file, speed, config] = process.argv.slice(2);
const stream = new SoriStream({ url, config: JSON.parse(config), WebSocket });
for (const name of ["statechange", "result", "warning", "goaway", "error", "summary"]) {
  stream.addEventListener(name, ({ detail }) => {
    console.log(JSON.stringify({ name, detail }));
  });
}

const audio = await readFile(file);
await stream.start();
const begun = performance.now();
for (let at = 0; at < audio.length; at += PIECE_BYTES) {
  const room = stream.send(audio.subarray(at, at + PIECE_BYTES));
  if (Number(speed) === 0) await room;
  else await sleep(begun + ((at / PIECE_BYTES) * PIECE_SECONDS * 1000) / Number(speed) - performance.now());
}
await stream.stop();
