import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { WebSocket } from "ws";
import { FakeDevices } from "./support/fake-devices.js";
import { spoken } from "./support/word-audio.js";
import { WordServer } from "./support/word-server.js";

const README = new URL("../README.md", import.meta.url);

/** Runs `code`, whose imports are of this package. */
function run(code) {
  const index = new URL("../src/index.js", import.meta.url);
  const module = code.replace('"@sori/client"', JSON.stringify(index.href));
  return import(`data:text/javascript,${encodeURIComponent(module)}`);
}

test("the example of the README prints what is said", async () => {
  const [, example] = /```js\n(.*?)```/su.exec(await readFile(README, "utf8"));
  const devices = new FakeDevices(16_000);
  const remove = devices.install();
  const server = await WordServer.listening();
  const [log, printed] = [console.log, []];
  globalThis.WebSocket = WebSocket;
  console.log = (line) => printed.push(line);
  try {
    const speaking = setInterval(() => {
      if (!devices.node) return;
      clearInterval(speaking);
      devices.hear(Float32Array.from(spoken([[1, 2, 3], [4, 5]]), (sample) => sample / 32_768));
    }, 5);
    assert.ok(example.includes("http://localhost:8765/v1/stream"));
    await run(example.replace("http://localhost:8765/v1/stream", server.url).replace("10_000", "50"));
  } finally {
    console.log = log;
    delete globalThis.WebSocket;
    remove();
    await server.close();
  }
  assert.deepEqual(printed, ["1 2 3\n4 5\n"]);
});
