/**
 * The first call to a worker that loads a model.
 * @module
 */

/** @import { CallContext, OnProgress } from "../calls/call_types.mjs" */
/** @import { WorkerCalls } from "../calls/worker_calls.mjs" */

/**
 * @template Args
 * @template Created
 * @typedef {{ create: (args: Args, context: CallContext) => Promise<Created>, drain: (nothing: null) => void }} CreatingCalls
 */

/**
 * Calls `create`; if that fails or is cancelled, the worker ends.
 * @template Args
 * @template Created
 * @param {WorkerCalls<CreatingCalls<Args, Created>>} calls
 * @param {Args} args
 * @param {object} how
 * @param {string} how.modelStep the step as which the worker reports the download of the model
 * @param {string} how.closed the sentence with which later calls fail
 * @param {OnProgress} [how.onProgress]
 * @param {AbortSignal} [how.signal]
 * @returns {Promise<Created>}
 */
export async function callCreate(calls, args, { modelStep, closed, onProgress, signal }) {
  let loadsModel = false;
  const onStep = (/** @type {Parameters<OnProgress>} */ ...progress) => {
    loadsModel = progress[0] === modelStep;
    onProgress?.(...progress);
  };
  try {
    return await calls.call("create", args, { signal, onProgress: onStep });
  } catch (error) {
    // A model's load ends by itself when it is cancelled, and stores partial downloads for the next time.
    const ended = signal?.aborted && loadsModel ? calls.call("drain", null) : Promise.resolve();
    ended.catch(() => {}).then(() => calls.terminate(closed));
    throw error;
  }
}
