/**
 * The calls of an `AutoGaze` object to its worker. Types only: this module has no code.
 *
 * The worker emits `note`, a sentence for the user, and `backend`, what runs the model now.
 * @module
 */

/** @import { CallContext } from "../calls/call_types.mjs" */

/**
 * @typedef {Uint8ClampedArray<ArrayBuffer>} Rgba rows of pixels
 *
 * Values of settings by their names in `settings.mjs`.
 * @typedef {Record<string, string | number | null>} Changes
 */

/**
 * Where a model comes from: the address of each file, absolute or relative to the site, or the file itself. Null
 * means NVIDIA's release; for the preprocessor the file beside the config, or none if that is a file.
 * @typedef {object} ModelParts
 * @property {string | File | null} config
 * @property {string | File | null} weights
 * @property {string | File | null} preprocessor
 * @property {string} graphs folder of the graphs, relative to the site
 * @property {"auto" | "webgpu" | "wasm"} backend
 */

/**
 * A frame: its RGBA rows, or a picture to be drawn at a size.
 * @typedef {{ pixels: Rgba, width: number, height: number }} PixelFrame
 * @typedef {{ image: VideoFrame | ImageBitmap, width: number, height: number }} ImageFrame
 */

/**
 * @typedef {object} ClipRequest
 * @property {Rgba} pixels of all frames; comes back with the answer
 * @property {number} width
 * @property {number} height
 * @property {number} frames
 * @property {Changes} settings for this clip only
 * @property {boolean} continued whether the output goes on from the clip before
 * @property {boolean} panels whether mask and output are wanted
 */

/**
 * What Python tells of a frame (`ClipSession.step` of `py/autogaze_web/page/clip_session.py`), and its panels.
 * @typedef {{ facts: any, mask: Rgba | null, output: Rgba | null }} FrameAnswer
 */

/**
 * The calls by name. `drain` ends when all calls before it have ended, cancelled ones too.
 * @typedef {object} ApiCalls
 * @property {(args: CreateArgs, context: CallContext) => Promise<Created>} create
 * @property {(changes: Changes, context: CallContext) => Promise<Record<string, any>>} change answers all settings
 * @property {(clip: ClipRequest, context: CallContext) => Promise<{ frames: FrameAnswer[], pixels: Rgba }>} clip
 * @property {(size: { width: number, height: number }) => number} tileCount
 * @property {(nothing: null, context: CallContext) => Promise<void>} restart
 * @property {(next: NextArgs, context: CallContext) => Promise<FrameAnswer & { input: Rgba | null }>} next
 * @property {(nothing: null) => void} drain
 */

/**
 * @typedef {{ siteUrl: string, settings: Changes, model: ModelParts | null }} CreateArgs
 * @typedef {{ settings: Record<string, any>, backend: string, version: string }} Created
 * @typedef {{ frame: PixelFrame | ImageFrame, panels: boolean }} NextArgs
 */

export {};
