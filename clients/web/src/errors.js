/** Everything that fails in this package, as one error type. */

/**
 * @typedef {object} ErrorFacts
 * @property {string | null} [field]
 * @property {boolean} [retryable]
 * @property {number | null} [retryAfter]
 * @property {Record<string, string>} [metadata]
 */

/** A stream or a microphone that failed; `code` is for programs, `message` for people. */
export class SoriError extends Error {
  /**
   * @param {string} code  a reason of the contract, `"INVALID_CONFIG"`; or one of this package:
   *   `"CONNECTION_LOST"`, `"ABORTED"`, `"MICROPHONE_DENIED"`, `"MICROPHONE_UNAVAILABLE"`
   * @param {string} message
   * @param {ErrorFacts} [facts]
   */
  constructor(code, message, facts = {}) {
    super(message);
    this.name = "SoriError";
    this.code = code;
    /** Path of the field that is wrong, `config.recognition.model`. */
    this.field = facts.field ?? null;
    /** Whether the same may succeed later. */
    this.retryable = facts.retryable ?? false;
    /** Seconds the server asks to wait; null without advice. */
    this.retryAfter = facts.retryAfter ?? null;
    this.metadata = facts.metadata ?? {};
  }
}

/** Close codes after which a new session would end the same way, and what they mean. */
const FATAL_CLOSES = new Map([
  [1002, "PROTOCOL_VIOLATION"],
  [1007, "PROTOCOL_VIOLATION"],
  [1009, "MESSAGE_TOO_LARGE"],
  [4400, "INVALID_CONFIG"],
  [4403, "ORIGIN_NOT_ALLOWED"],
  [4404, "MODEL_NOT_FOUND"],
  [4409, "PROTOCOL_VIOLATION"],
  [4411, "AUDIO_GAP"],
  [4412, "SESSION_SUPERSEDED"],
  [4413, "SESSION_DURATION_EXCEEDED"],
]);

/** Errors that a new session with the same audio mends, though the server calls them final. */
const MENDED_BY_RECONNECTING = new Set([
  "IDLE_TIMEOUT", "SLOW_READER", "INTERNAL", "RESUME_TOKEN_INVALID",
]);

/** Close codes whose error was lost on the way. */
const OTHER_CLOSES = new Map([
  [1011, "INTERNAL"],
  [1012, "SERVER_DRAINING"],
  [1013, "STREAM_CAPACITY_EXHAUSTED"],
  [4408, "IDLE_TIMEOUT"],
  [4410, "RESUME_TOKEN_INVALID"],
]);

/**
 * The error of an `error` message; `retryable` if a new session may go on.
 *
 * @param {any} message
 * @returns {SoriError}
 */
export function errorOfMessage(message) {
  const code = String(message.code ?? "INTERNAL");
  return new SoriError(code, String(message.message ?? code), {
    field: message.field ?? null,
    retryable: Boolean(message.retryable) || MENDED_BY_RECONNECTING.has(code),
    retryAfter: message.retry_after ?? null,
    metadata: message.metadata ?? {},
  });
}

/**
 * The error of a connection that closed before its summary and without an `error` message.
 *
 * @param {number} closeCode
 * @param {string} [reason]  servers give the error's code
 * @returns {SoriError}
 */
export function errorOfClose(closeCode, reason = "") {
  const fatal = FATAL_CLOSES.get(closeCode);
  const told = /^[A-Z_]+$/u.test(reason) ? reason : fatal ?? OTHER_CLOSES.get(closeCode);
  const code = told ?? "CONNECTION_LOST";
  const message = `the connection closed with code ${closeCode}`;
  return new SoriError(code, message, { retryable: fatal === undefined });
}
