import assert from "node:assert/strict";
import { test } from "node:test";
import { TRANSITIONS, next } from "../src/state.js";

const TRIGGERS = ["start", "opened", "stop", "lost", "over"];

/** State after each of TRIGGERS; a dot where it means nothing. */
const EXPECTED = `
  idle:         connecting . . . closed
  connecting:   . open . reconnecting closed
  open:         . . ending reconnecting closed
  reconnecting: . open . reconnecting closed
  ending:       . . . reconnecting closed
  closed:       . . . . .
`;

test("every trigger in every state", () => {
  const rows = EXPECTED.trim().split("\n").map((row) => row.trim().split(/:?\s+/));
  assert.deepEqual(rows.map(([state]) => state), Object.keys(TRANSITIONS));
  for (const [state, ...states] of rows) {
    const found = TRIGGERS.map((trigger) => next(state, trigger) ?? ".");
    assert.deepEqual(found, states, state);
  }
});
