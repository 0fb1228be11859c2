/**
 * Slows down, holds, breaks and measures the worker that runs Python, from inside it.
 * @module
 */

const scope = /** @type {any} */ (globalThis);

/**
 * Makes every gaze take longer before its first run: until N more frames have been shown, or for some milliseconds.
 * Frames would wait for such a gaze for ever, so N frames need `mask-timing=newest`. Called again it changes
 * by how much.
 * @param {{ frames?: number, milliseconds?: number, clockRate?: number }} slow
 */
export function slowDown({ frames = 0, milliseconds = 0, clockRate = 1 }) {
  const first = scope.slow === undefined;
  scope.slow = { frames, milliseconds, clockRate };
  if (!first) return;
  const [ask, answer] = [Worker.prototype.postMessage, scope.postMessage];
  /** @type {{ go: () => void, frames: number }[]} */
  const held = [];
  /** @type {(this: Worker, message: any, ...more: any[]) => void} */
  Worker.prototype.postMessage = function (message, ...more) {
    const go = () => /** @type {any} */ (ask).call(this, message, ...more);
    if (message?.name !== "execute" || message.args.graph === "steps") go();
    else if (scope.slow.frames) held.push({ go, frames: scope.slow.frames });
    else if (scope.slow.milliseconds) setTimeout(go, scope.slow.milliseconds);
    else go();
  };
  scope.postMessage = (/** @type {any} */ message, /** @type {any[]} */ ...more) => {
    answer(message, ...more);
    if (!message.value?.stageMs || !held[0]) return;
    held[0].frames -= 1;
    if (held[0].frames <= 0) held.shift()?.go();
  };
}

/** Has this worker's clock go at `slow.clockRate`. */
export function followClockRate() {
  const now = performance.now.bind(performance);
  let last = now();
  let shown = last;
  performance.now = () => {
    const real = now();
    shown += (real - last) * scope.slow.clockRate;
    last = real;
    return shown;
  };
}

/**
 * Holds every run of the model until it is let go.
 * @param {string[]} graphs of these alone, if there are any
 */
export function holdRuns(...graphs) {
  const post = Worker.prototype.postMessage;
  /** @type {(() => void)[]} */
  const held = [];
  /** @type {(this: Worker, message: any, ...more: any[]) => void} */
  Worker.prototype.postMessage = function (message, ...more) {
    const go = () => /** @type {any} */ (post).call(this, message, ...more);
    if (message?.name === "execute" && (graphs.length === 0 || graphs.includes(message.args.graph)))
      held.push(go);
    else go();
  };
  scope.letGo = async (/** @type {number} */ runs) => {
    for (let i = 0; i < runs; i++) {
      while (held.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      held.shift()?.();
    }
  };
  scope.letAllGo = () => {
    Worker.prototype.postMessage = post;
    for (const go of held.splice(0)) go();
  };
}

/** @param {number} runs */
export function letGo(runs) {
  return scope.letGo(runs);
}

export function letAllGo() {
  scope.letAllGo();
}

/** What the encoder has done up to now: its runs, and the frames that were encoded and skipped. */
export function encoderCounters() {
  return scope.autogaze.encoderCounters();
}

/** Has the worker for the model fail to start. */
export function breakModelWorker() {
  scope.Worker = class extends scope.Worker {
    /**
     * @param {URL} _url
     * @param {WorkerOptions} options
     */
    constructor(_url, options) {
      const broken = new Blob(["throw new Error('missing.mjs')"], { type: "text/javascript" });
      super(URL.createObjectURL(broken), options);
    }
  };
}

/** Prepares the loss of the GPU: with `lose` set the next run's commands reach it, and then it is gone. */
export function watchDevice() {
  const { requestDevice } = GPUAdapter.prototype;
  const { submit } = GPUQueue.prototype;
  GPUAdapter.prototype.requestDevice = async function (...how) {
    const device = await requestDevice.apply(this, how);
    // The one that asks for nothing only keeps the browser's GPU process awake.
    if (how.length > 0) scope.device = device;
    return device;
  };
  GPUQueue.prototype.submit = function (...commands) {
    submit.apply(this, commands);
    if (scope.lose) scope.device.destroy();
    scope.lose = false;
    return undefined;
  };
}

/** Loses the GPU in the next run, or at once. @param {"in a run" | "at once"} when */
export function loseDevice(when) {
  scope.lostAt = performance.now();
  if (when === "at once") scope.device.destroy();
  else scope.lose = true;
}

/** As if the GPU had been lost this very moment, however long the software adapter took since. */
export function rewindToLoss() {
  const now = performance.now.bind(performance);
  const since = now() - scope.lostAt;
  performance.now = () => now() - since;
}

/** Resolves once a model is in use, or none is. @param {boolean} wanted */
export async function modelIs(wanted) {
  const { host } = scope.autogaze;
  do {
    await new Promise((resolve) => setTimeout(resolve, 20));
    await host.settled();
  } while ((host.model !== undefined) !== wanted);
}

/** Counts what is read back from the GPU from now on. */
export function countReads() {
  const { mapAsync } = GPUBuffer.prototype;
  scope.gpuReads = {};
  GPUBuffer.prototype.mapAsync = function (mode, offset, size) {
    const bytes = size ?? this.size;
    scope.gpuReads[bytes] = (scope.gpuReads[bytes] ?? 0) + 1;
    return mapAsync.call(this, mode, offset, size);
  };
}

/** How often so many bytes were read back since this was last asked. @returns {Record<string, number>} */
export function gpuReads() {
  const reads = scope.gpuReads;
  scope.gpuReads = {};
  return reads;
}

/**
 * Bytes of what was made and not destroyed, by device. Weak references would miss what nobody holds any more.
 * @typedef {Map<GPUDevice, Map<object, number>>} Alive
 */

/** Counts GPU buffers and textures that were made and not destroyed, of devices that are not lost. */
export function countGpuMemory() {
  const buffers = /** @type {Alive} */ (new Map());
  const textures = /** @type {Alive} */ (new Map());
  const sizes = (/** @type {Alive} */ alive) => [...alive.values()].flatMap((each) => [...each.values()]);
  scope.gpuMemory = () => ({
    buffers: sizes(buffers).length,
    textures: sizes(textures).length,
    bytes: [...sizes(buffers), ...sizes(textures)].reduce((sum, each) => sum + each, 0),
  });
  if (!scope.GPUDevice) return;
  count("createBuffer", scope.GPUBuffer, buffers, (buffer) => buffer.size);
  // All textures here have four bytes a pixel.
  count("createTexture", scope.GPUTexture, textures, ({ width, height }) => 4 * width * height);
}

/**
 * @param {"createBuffer" | "createTexture"} method of a device
 * @param {{ prototype: any }} kind what it makes
 * @param {Alive} alive
 * @param {(made: any) => number} bytesOf
 */
function count(method, kind, alive, bytesOf) {
  const create = scope.GPUDevice.prototype[method];
  const { destroy } = kind.prototype;
  scope.GPUDevice.prototype[method] = function (/** @type {any} */ how) {
    const made = create.call(this, how);
    if (!alive.has(this)) {
      alive.set(this, new Map());
      this.lost.then(() => alive.delete(this));
    }
    alive.get(this)?.set(made, bytesOf(made));
    return made;
  };
  kind.prototype.destroy = function () {
    for (const each of alive.values()) each.delete(this);
    return destroy.call(this);
  };
}

/** What `countGpuMemory` has counted. */
export function gpuMemory() {
  return scope.gpuMemory();
}

/** What Python, the model's runner and the GPU have in use. */
export function usage() {
  const { pyodide, host } = scope.autogaze;
  return {
    pythonMemory: pyodide._module.HEAP8.length,
    pythonObjects: pyodide.runPython("import gc; gc.collect(); len(gc.get_objects())"),
    // On WebAssembly the context grows with the frames that the model has looked at: that is the machine's pace.
    allocations: host.model.runner.device ? host.model.runner.counters.allocations : 0,
    gpuBuffers: scope.gpuMemory().buffers,
    gpuTextures: scope.gpuMemory().textures,
  };
}
