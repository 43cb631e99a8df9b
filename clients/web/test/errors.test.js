import assert from "node:assert/strict";
import { test } from "node:test";
import { SoriError, errorOfClose, errorOfMessage } from "../src/errors.js";

test("an error message becomes an error with all its facts", () => {
  const error = errorOfMessage({
    type: "error",
    code: "STREAM_CAPACITY_EXHAUSTED",
    message: "no free stream",
    field: null,
    retryable: true,
    retry_after: 1.5,
    metadata: { streams: "100" },
  });
  assert.ok(error instanceof SoriError && error instanceof Error);
  const { code, message, field, retryable, retryAfter, metadata } = error;
  assert.deepEqual([code, message, field], ["STREAM_CAPACITY_EXHAUSTED", "no free stream", null]);
  assert.deepEqual([retryable, retryAfter, metadata], [true, 1.5, { streams: "100" }]);
});

test("a wrong config names its field and is final", () => {
  const message = { code: "INVALID_CONFIG", message: "no", field: "config.preset" };
  const error = errorOfMessage({ ...message, retryable: false });
  assert.deepEqual([error.field, error.retryable], ["config.preset", false]);
});

for (const code of [1009, 4400, 4403, 4404, 4409, 4411, 4412, 4413]) {
  test(`close code ${code} is final`, () => {
    assert.equal(errorOfClose(code).retryable, false);
    assert.notEqual(errorOfClose(code).code, "CONNECTION_LOST");
  });
}

for (const code of [1000, 1001, 1005, 1006, 1011, 1012, 1013, 4408, 4410]) {
  test(`after close code ${code} a new session may go on`, () => {
    assert.equal(errorOfClose(code).retryable, true);
  });
}

test("what a new session mends is retryable, whatever the server says", () => {
  for (const code of ["IDLE_TIMEOUT", "SLOW_READER", "INTERNAL"]) {
    assert.equal(errorOfMessage({ code, retryable: false }).retryable, true);
  }
});

test("the reason of a close names the error more closely than its code", () => {
  assert.equal(errorOfClose(4400, "AUDIO_UNDECODABLE").code, "AUDIO_UNDECODABLE");
  assert.equal(errorOfClose(4400, "").code, "INVALID_CONFIG");
  assert.equal(errorOfClose(1006, "going away").code, "CONNECTION_LOST");
});
