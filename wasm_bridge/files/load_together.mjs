/**
 * Loads files that are useless without one another: one that fails ends the others. If servers refuse several, what is
 * said does not depend on which refusal came first.
 * @module
 */

import { UnavailableError } from "./download.mjs";

/** A server that takes longer to say whether it has a file is not waited for. */
const GRACE_MS = 2000;
const MISSING = [404, 410];

/**
 * @template T
 * @param {((onAnswer: () => void) => Promise<T>)[]} loads each calls `onAnswer` once its file is known to exist
 * @param {(error: unknown) => void} abort called before this fails: ends all loads, with the error to be told
 * @returns {Promise<T[]>} in the order of the loads, once all have ended
 */
export async function loadTogether(loads, abort) {
  /** @type {unknown[]} */
  const refusals = [];
  const started = loads.map((load) => {
    let onAnswer = () => {};
    const exists = new Promise((resolve) => {
      onAnswer = () => resolve(undefined);
    });
    const loading = load(onAnswer);
    return { loading, answer: Promise.race([exists, loading.catch(() => {})]) };
  });
  const answers = Promise.all(started.map(({ answer }) => answer));
  const watching = started.map(({ loading }, place) =>
    loading.catch(async (error) => {
      if (isRefusal(error)) {
        refusals[place] = error;
        await atMost(GRACE_MS, answers);
        abort(first(refusals.filter(isRefusal)));
      } else abort(error);
      throw error;
    }),
  );
  await Promise.allSettled(watching);
  return Promise.all(watching);
}

/**
 * @param {unknown} error
 * @returns {error is UnavailableError} whether a server has answered that it does not give the file
 */
function isRefusal(error) {
  return error instanceof UnavailableError && error.status > 0;
}

/**
 * All files that are missing, or the first refusal.
 * @param {UnavailableError[]} refusals in the order of the loads
 */
function first(refusals) {
  const missing = refusals.filter(({ status }) => MISSING.includes(status));
  return missing.length > 1 ? new Error(missing.map(({ message }) => message).join(" ")) : refusals[0];
}

/**
 * @param {number} milliseconds
 * @param {Promise<unknown>} work
 */
async function atMost(milliseconds, work) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
