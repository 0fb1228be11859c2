/**
 * What the page and its worker say to each other. Types only: this module has no code.
 *
 * The page sends `start` once, then `options`, `stream` and `frame` messages; the worker answers with
 * `progress` and `ready` while it loads, and with one `done` or `frame-fault` for every frame of the present
 * stream; frames of earlier streams are dropped in silence.
 * @module
 */

/**
 * One frame to work on: a picture to be drawn at a size, perhaps mirrored, or a synthetic source's frame to be made.
 * @typedef {{ image: VideoFrame | ImageBitmap, width: number, height: number, mirror?: boolean }} PictureFrame
 * @typedef {{ synthetic: string, index: number, width: number, height: number }} SyntheticFrame
 * @typedef {PictureFrame | SyntheticFrame} Frame
 */

/**
 * Options by name, as `options.json` has them.
 * @typedef {Record<string, string | number | boolean>} OptionValues
 */

/**
 * @typedef {{ input: OffscreenCanvas, mask: OffscreenCanvas, output: OffscreenCanvas }} Panels
 */

/**
 * The numbers of one processed frame: `FrameReport` in `py/autogaze_web/live/view.py`, NaN as null.
 * @typedef {object} FrameReport
 * @property {number} index
 * @property {number} width
 * @property {number} height
 * @property {boolean} keyframe
 * @property {number} cells
 * @property {number[]} grids of the mask source, cells per side, coarse to fine
 * @property {Record<number, number>} cells_by_scale cells on each grid, by its cells per side
 * @property {number} mask_pixels
 * @property {number} updated_pixels
 * @property {number} mask_ratio
 * @property {number | null} update_ratio
 * @property {number | null} update_ratio_ema
 * @property {number | "Infinity" | null} psnr
 * @property {number | "Infinity" | null} psnr_ema
 * @property {[number, number, number, number]} mask_box
 * @property {[number, number, number, number]} output_box
 * @property {HookReport} [hook] with a hook
 * @property {Record<string, number>} stage_ms
 * @property {{ capture: number, draw: number }} worker_ms time of bringing the frame to Python and drawing it
 * @property {FrameReport} [compared] of patch-diff on the same frame, if that is wanted beside a model
 * @property {number} recorded frames of this stream that files can be made of
 * @property {"own" | "newest"} [mask_timing] with a model: whether the frame waited for its own cells
 * @property {RunnerCounters} [runner] with a model
 * @property {number} [gazes] with a model: complete gazes so far in this stream
 * @property {number} [tokens] once it has chosen: tokens that are no pads
 * @property {number} [steps] decoder steps
 * @property {number} [gaze_ms] time that choosing took
 * @property {Record<string, number>} [gaze_stage_ms] its stages: preprocess, model, decode
 * @property {number} [gaze_progress] share of that gaze that is done, 1 for all of it
 * @property {number} [tiles] into how many tiles the model cuts a frame, 0 for none
 * @property {number} [mask_age_frames] how many frames before this one the cells were chosen for; 0: this one
 * @property {number} [mask_age_ms] how long before
 */

/**
 * What a model's runner has spent since the model was loaded.
 * @typedef {object} RunnerCounters
 * @property {number} runs of a graph
 * @property {number} readBacks waits for the GPU
 * @property {number} bytesRead back from the GPU
 * @property {number} bytesWritten to the GPU
 * @property {number} allocations of buffers
 */

/**
 * What became of the hook: `HookReport` in `py/autogaze_web/page/user_hook.py`.
 * @typedef {{ problem: string, line: number | null, printed: string, ms: number, stopped: boolean }} HookReport
 */

/**
 * A processed frame's panels as RGBA rows of `width` pixels.
 * @typedef {object} RecordedFrame
 * @property {FrameReport} report
 * @property {Uint8ClampedArray} input
 * @property {Uint8ClampedArray} mask
 * @property {Uint8ClampedArray} output
 */

/**
 * Which model to load, and how to run it. Addresses and files as `model_source.mjs` takes them, relative to
 * the site; `maxTokens` 0 leaves the budget to the model.
 * @typedef {object} ModelRequest
 * @property {string} [configUrl]
 * @property {string} [weightsUrl]
 * @property {string} [graphsUrl] folder of the graphs, for another architecture than the released one
 * @property {File[]} files chosen by the user; used instead of the addresses if there are any
 * @property {import("../files/model_source.mjs").ModelSource} [source] where the files are from, instead of both
 * @property {"auto" | "webgpu" | "wasm"} backend
 * @property {number} maxTokens
 */

/**
 * What a picture or a recording shows: one panel, or all three side by side.
 * @typedef {"panels" | "input" | "mask" | "output"} PictureChoice
 */

/**
 * A file about the frames of this stream, made by Python: `PageSession.file` in `py/autogaze_web/page/live_session.py`.
 * @typedef {"trace" | "store" | "safetensors" | "metrics"} FileKind
 */

/**
 * What a recording says to the worker that hands it pictures: how many more it has room for, whether the
 * source is paused, or that it is over. The answers are `{ image, time }`, in milliseconds.
 * @typedef {{ room: number } | { paused: boolean } | { ended: true }} FromRecording
 * @typedef {{ image: ImageBitmap, time: number }} ToRecording
 */

/**
 * A hook is Python that is run on every frame, empty for none; the answer is `{ problem, line }`. A `ping` is
 * answered at once, whatever else waits, by a worker that still does anything. `modules` asks
 * for the names of the package's modules that are shown, `source` for the text of one of them.
 *
 * Each question is answered by an `answer` of the same number.
 * @typedef {(
 *   | { type: "picture", number: number, choice: PictureChoice }
 *   | { type: "file", number: number, kind: FileKind, video: string }
 *   | { type: "hook", number: number, code: string }
 *   | { type: "ping", number: number }
   | { type: "modules", number: number }
   | { type: "source", number: number, module: string }
 * )} Question
 */

/**
 * @typedef {(
 *   | Question
 *   | { type: "tap", port: MessagePort, choice: PictureChoice }
 *   | { type: "untap" }
 *   | { type: "compare", wanted: boolean, panels?: { mask: OffscreenCanvas, output: OffscreenCanvas } }
 *   | { type: "start", panels: Panels, siteUrl: string }
 *   | { type: "options", values: OptionValues }
 *   | { type: "stream", stream: number }
 *   | { type: "again" }
 *   | { type: "frame", stream: number, frame: Frame }
 *   | { type: "record", frames: number, fromStart: boolean }
 *   | { type: "model-load", load: number, request: ModelRequest }
 *   | { type: "model-cancel" }
 *   | { type: "model-unload" }
 *   | { type: "storage-delete" }
 * )} ToWorker
 */

/**
 * `progress` counts bytes. A `model-load` ends in `model-ready`, after which frames are processed with the
 * model, or in `model-fault`, which changes nothing; a cancelled one ends in silence. What is told of a load has
 * its number. After `model-lost` the model is being loaded again; after `model-stopped` there is none. `repeated` tells of a frame that was shown
 * once more, with cells that came later or because of `again`. `storage` tells the bytes of all model files that
 * are kept. After `start-fault` the worker is of no more use; a `frame-fault` takes the place of the frame's
 * `done`; an `options-fault` leaves the options as they were.
 * @typedef {(
 *   | { type: "progress", step: string, loaded: number, total: number }
 *   | { type: "ready" }
 *   | { type: "done", stream: number, report: FrameReport }
 *   | { type: "repeated", stream: number, report: FrameReport }
 *   | { type: "recorded", frames: RecordedFrame[] }
 *   | { type: "answer", number: number, value?: any, problem?: string }
 *   | { type: "model-progress", load: number, step: string, loaded: number, total: number }
 *   | { type: "model-note", message: string }
 *   | { type: "model-ready", load: number, backend: string }
 *   | { type: "model-fault", load: number, message: string }
 *   | { type: "model-lost", message: string }
 *   | { type: "model-stopped", message: string }
 *   | { type: "storage", bytes: number }
 *   | { type: "start-fault", message: string }
 *   | { type: "options-fault", message: string }
 *   | { type: "frame-fault", message: string, stream: number }
 * )} FromWorker
 */

export {};
