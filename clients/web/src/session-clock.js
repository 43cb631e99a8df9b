/** From the clock of a session to that of the whole stream. */

/**
 * A session starts somewhere in the client's audio, and leaves out what had to be dropped. Both
 * are places in bytes; between them the two run alike.
 */
export class SessionClock {
  /** @param {import("./audio-layout.js").AudioLayout} layout */
  constructor(layout) {
    this.layout = layout;
  }

  /** @type {{session: number, client: number}[]} */
  #anchors = [{ session: 0, client: 0 }];

  /**
   * A session begins, with this place.
   *
   * @param {number} client
   */
  restart(client) {
    this.#anchors = [{ session: 0, client }];
  }

  /**
   * From the byte `session` of the session on, it hears what is at `client`.
   *
   * @param {number} session
   * @param {number} client
   */
  jump(session, client) {
    this.#anchors.push({ session, client });
  }

  /**
   * Place in the client's audio of a byte of the session.
   *
   * @param {number} session
   */
  byte(session) {
    const anchor = this.#anchors.findLast((one) => one.session <= session);
    return session + (anchor ? anchor.client - anchor.session : 0);
  }

  /**
   * Seconds on the client's clock of an offset on the session's.
   *
   * @param {number} offset
   */
  seconds(offset) {
    const rate = this.layout.byteRate;
    const anchor = this.#anchors.findLast((one) => one.session <= offset * rate);
    const shift = anchor ? (anchor.client - anchor.session) / rate : 0;
    return Math.round((offset + shift) * 1e9) / 1e9;
  }
}
