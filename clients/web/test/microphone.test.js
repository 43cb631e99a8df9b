import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { afterEach, beforeEach, test } from "node:test";
import { Microphone } from "../src/index.js";
import { FakeDevices } from "./support/fake-devices.js";

let devices;
let remove;

beforeEach(() => {
  devices = new FakeDevices(48_000);
  remove = devices.install();
});

afterEach(() => remove());

test("what is heard comes at 16 kHz, with its level", async () => {
  const [audio, levels] = [[], []];
  const microphone = await Microphone.open({
    onAudio: (samples) => audio.push(...samples),
    onLevel: (level) => levels.push(level),
  });
  for (let block = 0; block < 10; block += 1) devices.hear(new Float32Array(1024).fill(0.5));
  await microphone.close();
  assert.equal(audio.length, Math.ceil(10_240 / 3));
  assert.ok(audio.slice(100, -100).every((sample) => Math.abs(sample - 16_384) <= 2));
  assert.ok(levels.every((level) => Math.abs(level + 6.02) < 0.01));
  assert.equal(levels.length, 10);
});

test("closing lets the device go, once", async () => {
  let given = 0;
  const microphone = await Microphone.open({ onAudio: () => (given += 1) });
  devices.hear(new Float32Array(1024));
  await Promise.all([microphone.close(), microphone.close()]);
  assert.ok(devices.track.stopped && devices.context.closed);
  const before = given;
  devices.hear(new Float32Array(1024));
  assert.equal(given, before);
});

test("the device that is asked for, as it is, and a track that ends is told", async () => {
  let ended = false;
  const onEnded = () => (ended = true);
  const constraints = { autoGainControl: false };
  await Microphone.open({ onAudio() {}, onEnded, deviceId: "usb", constraints });
  assert.deepEqual(devices.asked, [{
    channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false,
    deviceId: { exact: "usb" },
  }]);
  devices.track.onended();
  assert.ok(ended);
});

test("the worklet is a file next to the module", async () => {
  await Microphone.open({ onAudio() {} });
  assert.ok(existsSync(devices.module));
});

for (const [name, code] of [
  ["NotAllowedError", "MICROPHONE_DENIED"], ["NotFoundError", "MICROPHONE_UNAVAILABLE"],
]) {
  test(`${name} is ${code}`, async () => {
    devices.give = async () => {
      throw new DOMException("no", name);
    };
    await assert.rejects(Microphone.open({ onAudio() {} }), { code, name: "SoriError" });
  });
}

test("without devices it says why", async () => {
  devices.navigator.mediaDevices = undefined;
  await assert.rejects(Microphone.open({ onAudio() {} }), /https/);
});

test("a worklet that cannot be loaded leaves no device open", async () => {
  devices.AudioContext.prototype.resume = async () => {
    throw new Error("no audio thread");
  };
  await assert.rejects(Microphone.open({ onAudio() {} }), { code: "MICROPHONE_UNAVAILABLE" });
  assert.ok(devices.track.stopped && devices.context.closed);
});
