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

  /** The same, of a session that can be resumed, or that is. */
  resume(sequence, next_byte_offset = 0) {
    this.onopen();
    const resumed = sequence > 1;
    this.say({ type: "session_started", session_id: "s", sequence, resumed, next_byte_offset,
      resume_token: `token ${sequence}` });
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
