/**
 * The messages between the page and the worker that writes a recording. Types only: this module has no code.
 * @module
 */

/** @typedef {"webm" | "mp4" | "gif"} RecordingFormat */

/**
 * What the file says of itself. With `caption` it stands in the pictures, too, with the numbers of each frame.
 * @typedef {{ title: string, address: string, caption?: boolean }} Credits
 */

/**
 * The first message is `start`. The recording ends with `finish`, or once the file has `maxBytes` or lasts `maxMs`.
 * @typedef {{ format: RecordingFormat, maxBytes: number, maxMs?: number, credits?: Credits }} RecordingSetup
 * @typedef {(
 *   | { type: "start", port: MessagePort } & RecordingSetup
 *   | { type: "pause", paused: boolean }
 *   | { type: "finish" }
 * )} ToRecordingWorker
 */

/**
 * How much has been recorded, and at the end the file; it is `full` if it reached `maxBytes`.
 * @typedef {{ frames: number, milliseconds: number, bytes: number }} RecordingProgress
 * @typedef {{ blob: Blob, frames: number, milliseconds: number, full: boolean }} FinishedRecording
 * @typedef {(
 *   | { type: "progress" } & RecordingProgress
 *   | { type: "finished" } & FinishedRecording
 *   | { type: "error", message: string }
 * )} FromRecordingWorker
 */

export {};
