/**
 * What every source of frames can do. Types only: this module has no code.
 * @module
 */

/** @typedef {import("../../wasm_bridge/autogaze.mjs").Frame} Frame */

/**
 * @typedef {object} SourceEvents
 * @property {() => void} onPicture there is a new frame to capture
 * @property {(sentence: string) => void} onRefused the browser wants the user to start it, and how
 * @property {() => void} onFinished the last frame was captured; `resume` begins again
 * @property {(sentence: string) => void} onEnd the source is gone, and why
 */

/**
 * What a source is opened with.
 * @typedef {object} SourceSetup
 * @property {HTMLVideoElement} video for sources that play one
 * @property {import("./frame_size.mjs").FrameSize} size of the frames
 * @property {import("../settings/options.mjs").Values} values of the options, always the present ones
 * @property {SourceEvents} events
 * @property {AbortSignal} signal aborted when another source was chosen before this one was open
 */

/**
 * @typedef {object} Source
 * @property {() => Promise<Frame | null>} capture the newest frame, or null if there is none yet
 * @property {() => void} pause
 * @property {() => void} resume
 * @property {() => void} close frees the camera, the file or the timer
 * @property {import("./file_source.mjs").FileSource} [playback] of a file: steps, seeks
 * @property {string} [device] of a camera: its id
 */

export {};
