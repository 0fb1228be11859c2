/**
 * The interface of every source of frames. Types only: this module has no code.
 * @module
 */

/** @import { Frame } from "../../wasm_bridge/autogaze.mjs" */
/** @import { Values } from "../settings/options.mjs" */
/** @import { FileSource } from "./file_source.mjs" */
/** @import { FrameSize } from "./frame_size.mjs" */

/**
 * @typedef {object} SourceEvents
 * @property {() => void} onPicture there is a new frame to capture
 * @property {(sentence: string) => void} onRefused the user has to start it; the sentence says how
 * @property {() => void} onFinished the last frame was captured; `resume` starts over
 * @property {(sentence: string) => void} onEnd the source is gone; the sentence says why
 * @property {(sentence: string) => void} onNote the source goes on; the sentence says what the user should know
 * @property {(sentence: string) => void} onNoteOver what that sentence says is no longer so
 * @property {(device: string, sentence: string) => void} onReplaced the camera is gone; the sentence names the one to open
 */

/**
 * What a source needs to open.
 * @typedef {object} SourceSetup
 * @property {HTMLVideoElement} video for sources that play one
 * @property {FrameSize} size of the frames
 * @property {() => number | undefined} width in pixels that a camera should have, unless an option says it
 * @property {Values} values of the options, always up to date
 * @property {SourceEvents} events
 * @property {AbortSignal} signal aborted when another source is chosen
 */

/**
 * @typedef {object} Source
 * @property {() => Promise<Frame | null>} capture the newest frame, or null if there is none yet
 * @property {() => void} pause
 * @property {() => void | Promise<void>} resume
 * @property {() => void} [adapt] of a camera: asks it for the pictures that it should give now
 * @property {() => void} close frees the camera, the file or the timer
 * @property {FileSource} [playback] of a file: to step and seek in it
 * @property {string} [title] of a file: its name
 * @property {string} [device] of a camera: its id
 * @property {boolean} [isFront] of a camera: whether it looks at the user; only phones and tablets say so
 */

export {};
