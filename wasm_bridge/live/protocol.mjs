/**
 * What the page and its worker say to each other. Types only: this module has no code.
 *
 * The page calls `start` first. Each frame is one `frame` call: its answer is the frame's report, or null if
 * another stream was started meanwhile.
 * @module
 */

/** @import { Route } from "../calls/routed_fetch.mjs" */
/** @import { CallContext } from "../calls/call_types.mjs" */
/** @import { EncoderDescription } from "../model/encoder_types.mjs" */
/** @import { LoadOutcome, ModelRequest } from "../model/model_request.mjs" */
/** @import { PictureChoice } from "../panels/panel_picture.mjs" */
/** @import { FilePosition } from "../panels/recording_clock.mjs" */
/** @import { RunnerCounters } from "../runner/runner_counters.mjs" */

/**
 * One frame: a picture to be drawn at a size, perhaps mirrored, perhaps `still`, the same as all others of its stream; or a synthetic source's frame to be made.
 * @typedef {{ image: VideoFrame | ImageBitmap, width: number, height: number, mirror?: boolean, still?: boolean, position?: FilePosition }} PictureFrame
 * @typedef {{ synthetic: string, index: number, width: number, height: number }} SyntheticFrame
 * @typedef {PictureFrame | SyntheticFrame} Frame
 */

/**
 * Options by name, as `options.json` has them.
 * @typedef {Record<string, string | number | boolean>} OptionValues
 */

/**
 * @typedef {{ input: OffscreenCanvas, mask: OffscreenCanvas, output: OffscreenCanvas }} OffscreenPanels
 * @typedef {{ mask: OffscreenCanvas, output: OffscreenCanvas }} ComparedCanvases
 */

/**
 * The numbers of one processed frame: those of `FrameReport` in `py/autogaze_web/live/frame_report.py`, with NaN as null.
 * @typedef {object} FrameReport
 * @property {number} index
 * @property {number} width
 * @property {number} height
 * @property {boolean} keyframe
 * @property {number} cells
 * @property {number[]} grids of the mask source, cells per side, coarse to fine
 * @property {Record<number, number>} cellsByScale cells on each grid, by its cells per side
 * @property {number} maskPixels
 * @property {number} updatedPixels
 * @property {number} maskRatio
 * @property {number | null} updateRatio
 * @property {number | null} updateRatioEma
 * @property {number | "Infinity" | null} psnr
 * @property {number | "Infinity" | null} psnrEma
 * @property {[number, number, number, number]} maskBox
 * @property {[number, number, number, number]} outputBox
 * @property {[number, number, number, number][]} [maskParts] boxes with all that may have changed and little else, if
 *   Python has the pixels
 * @property {[number, number, number, number][]} [outputParts]
 * @property {HookReport} [hook] with a hook
 * @property {Record<string, number>} stageMs
 * @property {{ capture: number, draw: number }} workerMs time of bringing the frame to Python and drawing it
 * @property {FrameReport} [compared] of another mask source on the same frame, if that is wanted beside a model
 * @property {"cpu" | "gpu"} [pixels] what did the pixel work: Python, or the graphics card
 * @property {string} [pixelsFailure] how the graphics card has failed since it was asked for the pixel work
 * @property {number} [time] of a file's frame: when it is shown, in seconds
 * @property {boolean} [still] whether the stream is one picture, over and over
 * @property {number} recorded frames of this stream that files can be made of
 * @property {"own" | "newest"} [maskTiming] with a model: whether the frame waited for its own cells
 * @property {RunnerCounters} [runner] with a model
 * @property {number} [gazes] with a model: complete gazes so far in this stream
 * @property {number} [tokens] once it has chosen: tokens that are no pads
 * @property {number} [steps] decoder steps
 * @property {number} [gazeMs] time that choosing took
 * @property {Record<string, number>} [gazeStageMs] its stages: preprocess, model, decode
 * @property {number} [gazeProgress] share of that gaze that is done, 1 for all of it
 * @property {number} [tiles] into how many tiles the model cuts a frame, 0 for none
 * @property {number} [maskAgeFrames] how many frames before this one the cells were chosen for; 0: this one
 * @property {number} [maskAgeMs] how long before
 * @property {[cells: number, psnr: number | "Infinity"][]} [curve] now and then with a model: the output's PSNR if no
 *   more cells had been chosen, from 0 to all of them; it never falls
 * @property {{ columns: number, blocks: string }} [stale] with the option tint-stale: blocks of 32 by 16 pixels in which
 *   the output differs visibly from the input, row by row, as 0 and 1
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
 * What a model is compared with: `ComparisonSettings` in `py/autogaze_web/live/comparison.py`.
 * @typedef {{ rival: "patch-diff" | "random" | "block-motion", budget: "pixels" | "tokens" | "own" }} ComparisonChoice
 */

/**
 * A chosen cell: cells per side of its grid, its pixels (ends exclusive), and its confidence, 0 to 1.
 * @typedef {[grid: number, y0: number, x0: number, y1: number, x1: number, confidence: number]} CellRow
 */

/**
 * The cells of the last frame, in the order of choice: `PageSession.cells` in `py/autogaze_web/page/live_session.py`.
 * @typedef {object} CellList
 * @property {number} width of the frame in pixels
 * @property {number} height
 * @property {"autogaze" | "patch-diff"} source
 * @property {boolean} rebuilt whether the output panel shows earlier frames outside the cells
 * @property {CellRow[]} cells
 */

/**
 * A frame, its cells and the output after it.
 * @typedef {CellList & { input: ImageBitmap, output: ImageBitmap }} GazedFrame
 */

/**
 * A file about the frames of this stream, made by Python: `PageSession.file` in `py/autogaze_web/page/live_session.py`.
 * @typedef {"trace" | "store" | "safetensors" | "metrics"} FileKind
 */

/**
 * How to encode what AutoGaze gazes at: `full` encodes all patches of a frame, too.
 * @typedef {{ full: boolean, backend?: "auto" | "webgpu" | "wasm" }} EncoderStart
 *
 * What an encoder is and what runs it, for people; and sentences about what did not go as usual.
 * @typedef {{ backend: string, notes: string[], description: EncoderDescription }} EncoderReady
 */

/**
 * What the gaze keeps and saves: `VisionNumbers.of` in `py/autogaze_web/page/vision_numbers.py`. All but `patches` only
 * where all patches are encoded, too. Infinity is a text, NaN null.
 * @typedef {object} VisionFacts
 * @property {number} patches of a frame, over all scales
 * @property {number | null} [similarity] of the gazed patches' features with those from all patches, 1 if they agree
 * @property {number | "Infinity"} [rebuiltPsnr] of the two rebuilt frames, in dB
 * @property {{ gazeMs: number, gazedMs: number, fullMs: number, savedMs: number, breakEven: number | "Infinity" }} [net]
 *   medians of the last frames; an encoder `breakEven` times as slow takes as long with the gaze as without
 * @property {VisionProjection[]} [projections] what larger encoders would cost, computed
 *
 * @typedef {object} VisionProjection
 * @property {string} name
 * @property {number} tokens
 * @property {number} gazed
 * @property {number} fullGflops
 * @property {number} gazedGflops
 * @property {number} fullMs
 * @property {number} gazedMs with the gaze
 */

/**
 * A frame as a vision encoder sees it: `EncodedFrame` in `py/autogaze_web/page/encoder_session.py`.
 * @typedef {object} EncodedFrame
 * @property {number} index of the frame that was gazed at, which may be older than the one on the panels
 * @property {boolean} keyframe whether it is a stream's first, of which all patches are encoded
 * @property {Int32Array<ArrayBuffer>} tokens ids of the k encoded patches
 * @property {Float32Array<ArrayBuffer>} features k rows of `hidden` numbers
 * @property {number} hidden
 * @property {number} side pixels per side of a rebuilt frame; 0 without a decoder
 * @property {Uint8ClampedArray<ArrayBuffer> | null} rebuilt from the gazed patches of the last frames: RGBA, for `ImageData`
 * @property {number} gazeMs
 * @property {number} encodeMs
 * @property {number} decodeMs
 * @property {Float32Array<ArrayBuffer> | null} fullFeatures of all patches; null unless `full` was asked for
 * @property {Uint8ClampedArray<ArrayBuffer> | null} fullRebuilt
 * @property {number | null} fullEncodeMs
 * @property {number | null} fullDecodeMs
 * @property {VisionFacts} vision
 * @property {Uint8ClampedArray<ArrayBuffer>} colours the window's features as a small square picture, RGBA
 * @property {Uint8ClampedArray<ArrayBuffer> | null} fullColours those of all patches
 */

/**
 * What a file of the gaze has: `gaze_file` in `py/autogaze_web/files/gaze_export.py`.
 * @typedef {object} GazeFileOptions
 * @property {"npz" | "json"} [format] by default npz
 * @property {number} [frames] how many of the last frames at most; by default all since the grids or tiles last changed
 * @property {string[]} [keepGrids] such as "14x14": keep-masks at these grids, instead of `gazing_info`
 * @property {number[]} [times] seconds of each frame that is saved, by default those that are known
 */

/**
 * The calls, by name. All but `start` and `ping` wait until Python has started; `ping` is answered at once by a
 * worker that is not stuck. `loadModel` answers null if it was cancelled or another model was requested.
 * @typedef {object} LiveCalls
 * @property {(args: { canvases: OffscreenPanels, siteUrl: string }, context: CallContext) => Promise<void>} start
 * @property {(nothing: null) => void} ping
 * @property {(args: { values: OptionValues }) => void} setOptions
 * @property {(args: { stream: number }) => void} startStream
 * @property {(args: { stream: number, frame: Frame }) => Promise<FrameReport | null>} frame
 * @property {(args: { canvases: OffscreenPanels | null }) => void} takeCanvases answers `canvases-wanted`
 * @property {(nothing: null) => void} screensFail the page shows nothing of what WebGPU draws on its canvases
 * @property {(nothing: null) => void} redraw
 * @property {(nothing: null) => void} refresh
 * @property {(args: { frames: number, fromStart: boolean }) => Promise<RecordedFrame[]>} record
 * @property {(args: { request: ModelRequest, route?: Route }, context: CallContext) => Promise<LoadOutcome | null>} loadModel
 * @property {(args: { maxTokens: number }) => Promise<boolean>} limitTokens
 * @property {(nothing: null) => void} cancelModel
 * @property {(nothing: null) => Promise<void>} unloadModel
 * @property {(nothing: null) => Promise<void>} deleteStoredModels
 * @property {(how: EncoderStart, context: CallContext) => Promise<void>} startEncoder
 * @property {(nothing: null) => Promise<void>} stopEncoder
 * @property {(args: { port: MessagePort, choice: PictureChoice }) => void} startTap
 * @property {(nothing: null) => void} endTap
 * @property {(args: { how: ComparisonChoice | null, canvases?: ComparedCanvases }) => void} compare
 * @property {(args: { choice: PictureChoice }) => Promise<Blob>} picture
 * @property {(nothing: null) => Promise<CellList>} cells
 * @property {(nothing: null, context: CallContext) => Promise<GazedFrame>} gazedFrame
 * @property {(args: { kind: FileKind, video: string }, context: CallContext) => Promise<Uint8Array<ArrayBuffer>>} file
 * @property {(args: { request: GazeFileOptions }, context: CallContext) => Promise<Uint8Array<ArrayBuffer>>} gazeFile
 * @property {(args: { code: string }) => Promise<{ problem: string, line: number | null }>} setHook
 * @property {(nothing: null) => Promise<string[]>} modules
 * @property {(args: { module: string }) => Promise<string>} source
 */

/**
 * What the worker emits. `model-progress`, `model-ready` and `model-error` are of a model that it loads again
 * by itself after `model-lost`.
 * @typedef {(
 *   Record<"redraw", { stream: number, report: FrameReport }>
 *   & Record<"canvases-wanted", { drawn: "2d" | "webgpu" }>
 *   & Record<"options-error" | "pixels-note" | "model-error" | "model-note" | "model-lost" | "model-stopped", { message: string }>
 *   & Record<"model-progress", { step: string, loaded: number, total: number }>
 *   & Record<"model-ready", LoadOutcome>
 *   & Record<"encoder-ready", EncoderReady>
 *   & Record<"encoder-frame", { stream: number, frame: EncodedFrame }>
 *   & Record<"encoder-failed", { message: string }>
 *   & Record<"storage", { bytes: number }>
 * )} LiveWorkerEvents
 */

export {};
