/**
 * The calls of an `AutoGaze` object to its worker. Types only: this module has no code.
 *
 * The worker emits `note`, a sentence for the user, and `backend`, the backend that runs the model.
 * @module
 */

/** @import { CallContext } from "../calls/call_types.mjs" */
/** @import { GazeFileOptions } from "../live/protocol.mjs" */

/**
 * @typedef {Uint8ClampedArray<ArrayBuffer>} Rgba rows of pixels
 *
 * Values of settings by their names in `settings.mjs`.
 * @typedef {Record<string, string | number | null>} Changes
 */

/**
 * Where a model comes from: for each file its address, absolute or relative to the site, or the file itself. Null
 * means NVIDIA's release; for the preprocessor it means the file next to the config's address, or none if the
 * config is a file.
 * @typedef {object} ModelParts
 * @property {string | File | null} config
 * @property {string | File[] | null} weights
 * @property {string | File | null} preprocessor
 * @property {string} graphs folder of the graphs, relative to the site
 * @property {"auto" | "webgpu" | "wasm"} backend
 */

/**
 * A frame: its RGBA rows, or a picture to draw at the given size.
 * @typedef {{ pixels: Rgba, width: number, height: number }} PixelFrame
 * @typedef {{ image: VideoFrame | ImageBitmap, width: number, height: number }} ImageFrame
 */

/**
 * @typedef {object} ClipRequest
 * @property {Rgba} pixels of all frames; returned with the result
 * @property {number} width
 * @property {number} height
 * @property {number} frames
 * @property {Changes} settings for this clip only
 * @property {boolean} continued whether the output continues the previous clip's
 * @property {boolean} panels whether to return mask and output
 */

/**
 * What Python reports about a frame (`ClipSession.step` of `py/autogaze_web/page/clip_session.py`), and its panels.
 * @typedef {{ facts: any, mask: Rgba | null, output: Rgba | null }} FrameAnswer
 */

/**
 * The calls by name. `drain` returns when all earlier calls have ended, cancelled ones too.
 * @typedef {object} ApiCalls
 * @property {(args: CreateArgs, context: CallContext) => Promise<Created>} create
 * @property {(changes: Changes, context: CallContext) => Promise<Record<string, any>>} change returns all settings
 * @property {(clip: ClipRequest, context: CallContext) => Promise<{ frames: FrameAnswer[], pixels: Rgba }>} clip
 * @property {(size: { width: number, height: number }) => number} tileCount
 * @property {(nothing: null, context: CallContext) => Promise<void>} restart
 * @property {(next: NextArgs, context: CallContext) => Promise<FrameAnswer & { input: Rgba | null }>} next
 * @property {(args: { request: GazeFileOptions }, context: CallContext) => Uint8Array<ArrayBuffer>} gazeFile
 * @property {(nothing: null) => void} drain
 */

/**
 * @typedef {{ siteUrl: string, settings: Changes, model: ModelParts | null }} CreateArgs
 * @typedef {{ settings: Record<string, any>, backend: string, version: string }} Created
 * @typedef {{ frame: PixelFrame | ImageFrame, panels: boolean }} NextArgs
 */

export {};
