import { SoriError } from "../client/index.js";
import { UnreadableFile } from "./session.js";

/** @typedef {import("./words.js").Word} Word */
/** @typedef {import("./banner.js").Banner} Banner */

/** What people are told, by the code of an error.
 * @type {Record<string, [title: Word, text: Word]>} */
const KNOWN = {
  MICROPHONE_DENIED: ["notAllowed", "notAllowedText"],
  MICROPHONE_UNAVAILABLE: ["notFound", "notFoundText"],
  NotAllowedError: ["notAllowed", "notAllowedText"],
  NotFoundError: ["notFound", "notFoundText"],
  OverconstrainedError: ["notFound", "notFoundText"],
  NotReadableError: ["notReadable", "notReadableText"],
  STREAM_CAPACITY_EXHAUSTED: ["busy", "busyText"],
  MODEL_LOADING: ["loading", "loadingText"],
  SESSION_DURATION_EXCEEDED: ["tooLong", "tooLongText"],
  CONNECTION_LOST: ["serverAway", "serverAwayText"],
};

/** Say in the banner what went wrong; nothing of what the user ended.
 * @param {Banner} banner
 * @param {unknown} error */
export function tell(banner, error) {
  if (error instanceof UnreadableFile) {
    banner.show("error", error.problem, `${error.problem}Text`, { name: error.file });
    return;
  }
  const { code, message } = named(error);
  if (code === "ABORTED") return;
  const known = KNOWN[code];
  if (known) banner.show("error", ...known);
  else banner.show("error", "failed", { said: message });
}

/** Say in the banner what a stream waits for until it tries again.
 * @param {Banner} banner
 * @param {import("../client/types.js").StateChange} change */
export function tellWait(banner, { cause, retryIn = 0 }) {
  const [title] = KNOWN[cause?.code ?? ""] ?? [];
  const lost = !title || cause?.code === "CONNECTION_LOST";
  banner.show("waiting", lost ? "reconnecting" : title, "reconnectingText");
  banner.countDown(retryIn);
}

/** Whether the browser gives this page a microphone at all; says so if not.
 * @param {Banner} banner
 * @returns {boolean} */
export function mayListen(banner) {
  if (isSecureContext && navigator.mediaDevices) return true;
  banner.show("error", "insecure", "insecureText");
  return false;
}

/** @param {unknown} error @returns {{code: string, message: string}} */
function named(error) {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof DOMException && cause.name in KNOWN) {
    return { code: cause.name, message: cause.message };
  }
  if (error instanceof SoriError) return error;
  if (error instanceof Error) return { code: error.name, message: error.message };
  return { code: "", message: String(error) };
}
