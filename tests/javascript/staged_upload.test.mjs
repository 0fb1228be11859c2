import assert from "node:assert/strict";
import test from "node:test";
import { StagedUpload } from "../../wasm_bridge/runner/staged_upload.mjs";

Object.assign(globalThis, {
  GPUBufferUsage: { COPY_SRC: 4, COPY_DST: 8, MAP_WRITE: 2 },
  GPUMapMode: { WRITE: 2 },
});

const MB = 1 << 20;

/** A device whose buffers are arrays, and which maps one whenever `map` is called. */
function fakeDevice() {
  /** @type {string[]} */
  const calls = [];
  /** @type {{ resolve: () => void, reject: (reason: unknown) => void }[]} */
  const maps = [];
  const makeBuffer = (/** @type {number} */ size) => {
    let isMapped = false;
    const bytes = new Uint8Array(size);
    calls.push(`make ${size / MB}`);
    return /** @type {any} */ ({
      size,
      bytes,
      mapAsync: () =>
        new Promise((resolve, reject) => {
          maps.push({
            resolve: () => {
              isMapped = true;
              resolve(undefined);
            },
            reject,
          });
        }),
      getMappedRange() {
        assert.ok(isMapped, "it is not mapped");
        return bytes.buffer;
      },
      unmap() {
        isMapped = false;
      },
      destroy: () => calls.push("destroy"),
    });
  };
  const device = /** @type {any} */ ({
    queue: {
      writeBuffer(/** @type {any} */ target, /** @type {number} */ _, /** @type {Uint8Array} */ data) {
        calls.push("write");
        target.bytes.set(data);
      },
      submit: (/** @type {(() => void)[]} */ [run]) => run?.(),
    },
    createCommandEncoder() {
      let run = () => {};
      return {
        copyBufferToBuffer(/** @type {any[]} */ ...[from, , to, , size]) {
          calls.push("copy");
          run = () => to.bytes.set(from.bytes.subarray(0, size));
        },
        finish: () => run,
      };
    },
  });
  /** @param {(waiting: { resolve: () => void, reject: (reason: unknown) => void }) => void} [settle] */
  const map = async (settle = ({ resolve }) => resolve()) => {
    for (const waiting of maps.splice(0)) settle(waiting);
    await new Promise(setImmediate);
  };
  return { device, makeBuffer, calls, map };
}

/** @param {StagedUpload} upload @param {number} value @param {number} [size] */
function sent(upload, value, size = 2 * MB) {
  const target = /** @type {any} */ ({ bytes: new Uint8Array(size) });
  upload.write(target, new Uint8Array(size).fill(value));
  return [target.bytes[0], target.bytes.at(-1)];
}

test("large arrays go through buffers that are mapped, and none waits for one", async () => {
  const { device, makeBuffer, calls, map } = fakeDevice();
  const upload = new StagedUpload(device, makeBuffer);
  assert.deepEqual(sent(upload, 1), [1, 1]);
  assert.deepEqual(calls.splice(0), ["make 2", "make 2", "write"], "none is mapped yet");
  await map();
  for (const value of [2, 3, 4]) assert.deepEqual(sent(upload, value), [value, value]);
  assert.deepEqual(calls.splice(0), ["copy", "copy", "write"], "both are still in use");
  await map();
  assert.deepEqual(sent(upload, 5), [5, 5]);
  assert.deepEqual(calls.splice(0), ["copy"]);
});

test("small arrays are written, and the buffers for large ones are freed", async () => {
  const { device, makeBuffer, calls, map } = fakeDevice();
  const upload = new StagedUpload(device, makeBuffer);
  assert.deepEqual(sent(upload, 7, 1024), [7, 7]);
  assert.deepEqual(calls.splice(0), ["write"]);
  sent(upload, 1);
  await map();
  calls.length = 0;
  assert.deepEqual(sent(upload, 8, 1024), [8, 8]);
  assert.deepEqual(calls, ["destroy", "destroy", "write"]);
});

test("another size has other buffers, and those before are not taken again", async () => {
  const { device, makeBuffer, calls, map } = fakeDevice();
  const upload = new StagedUpload(device, makeBuffer);
  sent(upload, 1);
  sent(upload, 2, 3 * MB);
  assert.deepEqual(calls.splice(0), [
    ...["make 2", "make 2", "write"],
    ...["destroy", "destroy", "make 3", "make 3", "write"],
  ]);
  await map();
  for (const value of [3, 4, 5]) assert.deepEqual(sent(upload, value, 3 * MB), [value, value]);
  assert.deepEqual(calls.splice(0), ["copy", "copy", "write"]);
  upload.close();
  assert.deepEqual(calls, ["destroy", "destroy"]);
});

test("a buffer that cannot be mapped is used no more", async () => {
  const { device, makeBuffer, calls, map } = fakeDevice();
  const upload = new StagedUpload(device, makeBuffer);
  sent(upload, 1);
  await map(({ reject }) => reject(new DOMException("lost", "OperationError")));
  calls.length = 0;
  assert.deepEqual(sent(upload, 2), [2, 2]);
  assert.deepEqual(calls, ["write"]);
});
