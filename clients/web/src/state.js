/** The states of a stream, and what leads from one to the next. */

/** @typedef {"idle" | "connecting" | "open" | "reconnecting" | "ending" | "closed"} State */

/**
 * `start`, `stop`: called by the user. `opened`: a session started. `lost`: a connection ended
 * that another can replace. `over`: the summary, a final error or `abort()`.
 *
 * @typedef {"start" | "opened" | "stop" | "lost" | "over"} Trigger
 */

/**
 * Where a trigger is missing, nothing happens. A stream that is stopped while it has no session
 * stays where it is, and is `ending` once it has one.
 *
 * @type {Readonly<Record<State, Readonly<Partial<Record<Trigger, State>>>>>}
 */
export const TRANSITIONS = Object.freeze({
  idle: { start: "connecting", over: "closed" },
  connecting: { opened: "open", lost: "reconnecting", over: "closed" },
  open: { stop: "ending", lost: "reconnecting", over: "closed" },
  reconnecting: { opened: "open", lost: "reconnecting", over: "closed" },
  ending: { lost: "reconnecting", over: "closed" },
  closed: {},
});

/**
 * The state after `trigger`, or undefined if it means nothing in `state`.
 *
 * @param {State} state
 * @param {Trigger} trigger
 * @returns {State | undefined}
 */
export function next(state, trigger) {
  return TRANSITIONS[state][trigger];
}
