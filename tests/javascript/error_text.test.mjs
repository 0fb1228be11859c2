import assert from "node:assert/strict";
import { test } from "node:test";
import { messageOf } from "../../wasm_bridge/calls/error_text.mjs";

test("of a Python traceback the exception's own message is left, all its lines", () => {
  const traceback = [
    "Traceback (most recent call last):",
    '  File "<exec>", line 3, in <module>',
    "autogaze_web.options.OptionError: blend-alpha is a number from 0 to 1, got 2",
    "there is no setting 'backend'",
  ].join("\n");
  assert.equal(
    messageOf(new Error(traceback)),
    "blend-alpha is a number from 0 to 1, got 2\nthere is no setting 'backend'",
  );
});

test("of chained exceptions the last one counts", () => {
  const chained = "ValueError: first\n\nDuring handling of it:\n\nKeyError: second\n";
  assert.equal(messageOf(chained), "second");
});

test("Python that has ended says what to do", () => {
  const sentence = "Python has ended: restart it under Python, or reload the page.";
  const exit = { name: "ExitStatus", message: "Program terminated with exit(3)", status: 3 };
  assert.equal(messageOf(exit), sentence);
  for (const end of ["exited", "fatally failed"])
    assert.equal(messageOf(new Error(`Pyodide already ${end} and can no longer be used.`)), sentence);
});

test("other errors are their last line", () => {
  assert.equal(messageOf(new Error("one\ntwo\n")), "two");
  assert.equal(messageOf("plain"), "plain");
  assert.equal(messageOf(undefined), "undefined");
  assert.equal(messageOf(new Error("")), "");
  assert.equal(messageOf(new Error("a sentence with an Error: in it")), "a sentence with an Error: in it");
});
