/** A microphone and an audio thread for Node, in the test's hand. */

export class FakeDevices {
  /** Constraints of each request. */
  asked = [];
  track = { stopped: false, stop() { this.stopped = true; } };

  /** @param {number} rate of the device, in Hz */
  constructor(rate) {
    const devices = this;
    this.context = { closed: false };
    this.AudioContext = class {
      sampleRate = rate;
      audioWorklet = { addModule: async (url) => void (devices.module = url) };
      async resume() {}
      async close() { devices.context.closed = true; }
      createMediaStreamSource() { return { connect: (node) => (devices.node = node) }; }
    };
    this.AudioWorkletNode = class {
      port = {};
    };
    this.navigator = { mediaDevices: { getUserMedia: (asked) => this.give(asked) } };
  }

  async give(asked) {
    this.asked.push(asked.audio);
    return { getTracks: () => [this.track] };
  }

  /** What the worklet hands on. */
  hear(samples) {
    this.node.port.onmessage?.({ data: samples });
  }

  /** Puts them where pages find them; returns what takes them away again. */
  install() {
    const { AudioContext, AudioWorkletNode, navigator } = this;
    const given = { AudioContext, AudioWorkletNode, navigator };
    const before = Object.keys(given).map((name) => [
      name, Object.getOwnPropertyDescriptor(globalThis, name),
    ]);
    for (const [name, value] of Object.entries(given)) {
      Object.defineProperty(globalThis, name, { value, configurable: true });
    }
    return () => {
      for (const [name, old] of before) {
        if (old) Object.defineProperty(globalThis, name, old);
        else delete globalThis[name];
      }
    };
  }
}
