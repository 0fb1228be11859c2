/**
 * What `worker_calls.mjs` and `serve_calls.mjs` share. Types only: this module has no code.
 * @module
 */

/** @typedef {(step: string, done: number, total: number) => void} OnProgress */

/**
 * @typedef {object} CallContext
 * @property {AbortSignal} signal aborts when the caller cancels
 * @property {OnProgress} progress reports to the caller
 * @property {(...objects: Transferable[]) => void} transfer moves parts of the answer instead of copying them
 */

/**
 * Handlers by the name of their call.
 * @typedef {Record<string, (args: any, context: CallContext) => any>} Handlers
 *
 * What the two sides send. A worker sends `started` once, when its modules have been loaded.
 * @typedef {{ id: number, name: string, args: any } | { cancel: number }} ToWorker
 * @typedef {(
 *   | { id: number, value: any }
 *   | { id: number, error: string }
 *   | { id: number, progress: Parameters<OnProgress> }
 *   | { event: string, detail: any }
 *   | { started: true }
 * )} FromWorker
 */

export {};
