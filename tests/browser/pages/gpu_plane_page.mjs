/**
 * The pixels of a live view on the page's GPU: runs what a test asks of a plane and returns its answers.
 * @module
 */

import { base64, bytesOf } from "./base64.mjs";

/** @typedef {import("../../../wasm_bridge/plane/gpu_plane.mjs").GpuPlane} GpuPlane */
/** @typedef {import("../../../wasm_bridge/plane/gpu_plane.mjs").PictureName} PictureName */
/** @typedef {{ name: string, arguments: any }} Command one of `commands` */

/** Of software adapters, as `GpuCanvas` explains. */
const WITHOUT_CANVASES = { canvases: false };
const bridge = new URL("../wasm_bridge/", import.meta.url);

/** @type {Promise<{ device: GPUDevice, plane: GpuPlane }> | undefined} */
let started;
/** What the device complained about. @type {string[]} */
const complaints = [];

async function start() {
  const { requestAdapter } = await import(`${bridge}runner/backend.mjs`);
  const { requestDevice } = await import(`${bridge}runner/gpu_device.mjs`);
  const { GpuPlane } = await import(`${bridge}plane/gpu_plane.mjs`);
  /** @type {GPUDevice} */
  const device = await requestDevice(await requestAdapter());
  device.onuncapturederror = ({ error }) => complaints.push(error.message);
  return { device, plane: /** @type {GpuPlane} */ (await GpuPlane.create(device, WITHOUT_CANVASES)) };
}

/**
 * Runs commands one after the other. Where `overlap` is set, only frames are awaited, not the answers about them.
 * @param {Command[]} commands
 * @param {boolean} overlap
 * @returns {Promise<unknown[]>} the answer of each: what it says, or numbers in Base64
 */
export async function run(commands, overlap) {
  started ??= start();
  const { device, plane } = await started;
  // Pictures first: what overlaps is asked for in one task.
  for (const { arguments: given } of commands) if ("pixels" in given) given.source = await sourceOf(given);
  const answers = [];
  for (const command of commands) {
    const answer = execute(plane, command);
    answers.push(overlap && command.name !== "receive" ? answer : await answer);
  }
  const all = await Promise.all(answers);
  await device.queue.onSubmittedWorkDone();
  if (complaints.length > 0) throw new Error(complaints.splice(0).join("\n"));
  return all.map((answer) =>
    ArrayBuffer.isView(answer) ? base64(new Uint8Array(answer.buffer)) : (answer ?? null),
  );
}

/**
 * @param {GpuPlane} plane
 * @param {Command} command
 */
async function execute(plane, { name, arguments: given }) {
  switch (name) {
    case "receive":
      return plane.receive(given.source, given.height, given.width);
    case "write":
      return plane.write(given.which, given.source);
    case "cellSums":
      return plane.cellSums(decoded(given));
    case "draw":
      return plane.draw(decoded(given));
    case "readBack":
      return plane.readBack(given.which, given.box);
    case "show":
      return show(plane, given);
    default:
      throw new Error(`there is no command "${name}"`);
  }
}

/**
 * All panels at once, as three canvases of a page show them.
 * @param {GpuPlane} plane
 * @param {{ width: number, height: number }} size
 */
async function show(plane, { width, height }) {
  const canvas = () => {
    const context = new OffscreenCanvas(width, height).getContext("2d");
    if (!context) throw new Error("no canvas");
    // What was there before must not show through.
    context.fillStyle = "red";
    context.fillRect(0, 0, width, height);
    return context;
  };
  const contexts = { frame: canvas(), mask: canvas(), output: canvas() };
  await plane.show(contexts);
  const shown = new Uint8Array(3 * 4 * width * height);
  for (const [i, context] of Object.values(contexts).entries()) {
    shown.set(context.getImageData(0, 0, width, height).data, i * 4 * width * height);
  }
  return shown;
}

/**
 * @param {{ pixels: string, as: string, width: number, height: number }} given
 */
async function sourceOf({ pixels, as, width, height }) {
  const bytes = bytesOf(pixels);
  if (as === "rows") return bytes;
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d")?.putImageData(new ImageData(bytes, width, height), 0, 0);
  return as === "canvas" ? canvas : createImageBitmap(canvas);
}

const TYPES = { uint8: Uint8Array, int32: Int32Array, uint32: Uint32Array };

/**
 * JSON with arrays in it.
 * @param {any} value
 * @returns {any}
 */
function decoded(value) {
  if (value === null || typeof value !== "object") return value;
  if ("dtype" in value) {
    return new TYPES[/** @type {keyof typeof TYPES} */ (value.dtype)](bytesOf(value.data).buffer);
  }
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, decoded(each)]));
}

/**
 * What the device says to frames of a size.
 * @param {number} height
 * @param {number} width
 * @returns {Promise<string>}
 */
export async function refusalOf(height, width) {
  started ??= start();
  const { refusal } = await import(`${bridge}plane/frame_shape.mjs`);
  return refusal((await started).device.limits, height, width);
}
