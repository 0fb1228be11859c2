/**
 * What the page and the worker that writes a recording say to each other. Types only: this module has no code.
 * @module
 */

/** @typedef {"webm" | "mp4" | "gif"} RecordingFormat */

/**
 * It begins with `start`, and ends with the file when `finish` is said or the file has `mostBytes`.
 * @typedef {(
 *   | { type: "start", port: MessagePort, format: RecordingFormat, mostBytes: number }
 *   | { type: "pause", paused: boolean }
 *   | { type: "finish" }
 * )} ToRecordingWorker
 */

/**
 * What there is of it so far, and what became of it: the file, `full` if it may not grow any more.
 * @typedef {{ frames: number, milliseconds: number, bytes: number }} RecordingProgress
 * @typedef {{ blob: Blob, frames: number, milliseconds: number, full: boolean }} FinishedRecording
 * @typedef {(
 *   | { type: "progress" } & RecordingProgress
 *   | { type: "finished" } & FinishedRecording
 *   | { type: "fault", message: string }
 * )} FromRecordingWorker
 */

export {};
