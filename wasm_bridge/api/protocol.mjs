/**
 * What an `AutoGaze` object and its worker say to each other. Types only: this module has no code.
 *
 * A call is answered once, with a value or an error, and may be cancelled before. Calls are worked on in the
 * order in which they come.
 * @module
 */

/**
 * @typedef {Uint8ClampedArray<ArrayBuffer>} Rgba rows of pixels
 *
 * Values of settings by name; see `settings.mjs` for the names.
 * @typedef {Record<string, string | number | null>} Changes
 */

/**
 * Where a model is from: for each file its address, or the file itself. Null means NVIDIA's release; for the
 * preprocessor the file beside the config, or none if that is a file.
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
 * The calls by name: what each is given, and what it answers.
 * @typedef {object} Calls
 * @property {(given: { siteUrl: string, settings: Changes, model: ModelParts | null }) => Created} create
 * @property {(changes: Changes) => Record<string, any>} change answers all settings
 * @property {(clip: ClipRequest) => { frames: FrameAnswer[], pixels: Rgba }} clip
 * @property {(size: { width: number, height: number }) => number} tileCount of a frame
 * @property {(nothing: null) => null} restart
 * @property {(next: { frame: PixelFrame | ImageFrame, panels: boolean }) => FrameAnswer & { input: Rgba | null }} next
 */

/**
 * @typedef {{ settings: Record<string, any>, backend: string, version: string }} Created
 */

/**
 * @typedef {{ id: number, call: keyof Calls, given: any } | { cancel: number }} ToApiWorker
 */

/**
 * Besides answers: how far a call is, and sentences for the user.
 * @typedef {(
 *   | { id: number, value: any }
 *   | { id: number, error: string }
 *   | { id: number, progress: [step: string, done: number, total: number] }
 *   | { note: string }
 *   | { backend: string }
 * )} FromApiWorker
 */

export {};
