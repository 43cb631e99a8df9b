/** A WebSocket whose other side is the test. */

export class FakeSocket {
  /** Every socket made, in order. */
  static made = [];

  constructor(url) {
    this.url = url;
    this.bufferedAmount = 0;
    this.sent = [];
    this.closed = false;
    FakeSocket.made.push(this);
  }

  send(data) {
    this.sent.push(typeof data === "string" ? JSON.parse(data) : data);
  }

  close() {
    this.closed = true;
  }

  /** The server takes the connection and starts a session. */
  accept() {
    this.onopen();
    this.say({ type: "session_started", session_id: "s" });
  }

  say(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }

  /** Types of the control messages sent. */
  get types() {
    return this.sent.map((one) => one.type).filter(Boolean);
  }

  /** Bytes of audio sent. */
  get audioBytes() {
    return this.sent.reduce((sum, one) => sum + (one.byteLength ?? 0), 0);
  }
}
