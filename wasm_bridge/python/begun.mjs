/**
 * Coroutines of Python that answer without a turn of the event loop.
 * @module
 */

/**
 * What a coroutine gives, as soon as it has it: the promise of a Pyodide proxy is settled a turn later.
 * @template T
 * @param {(answer: (result: T) => void) => any} begin begins it as `prompt.begin` of `py/autogaze_web/page/prompt.py`
 * @returns {Promise<T>}
 */
export function begun(begin) {
  return new Promise((resolve, reject) => {
    const task = begin(resolve);
    // If it fails, only its task says so.
    task.then(resolve, reject).finally(() => task.destroy?.());
  });
}
