/**
 * Streams a sample with AutoGaze and the built-in models: the panels alone, then with the vision encoder on the gazed
 * patches, then on all patches of each frame, too. The query has `backend` and `frames`, the panel's frames in each
 * case. When all is measured, `window.done` is true and `window.result` contains a row for each case.
 */

const query = new URLSearchParams(location.search);
const backend = query.get("backend") ?? "auto";
const frames = Number(query.get("frames") ?? 100);
const OPTIONS =
  "source=sample&width=640&height=360&mask-source=autogaze&mask-timing=newest&max-gaze-tokens-each-frame=16";

window.logs = [];
window.result = [];

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Resolves with the first detail of an event that passes. */
function first(view, name, passes = () => true) {
  const { promise, resolve } = Promise.withResolvers();
  const listening = new AbortController();
  view.on(name, (detail) => passes(detail) && resolve(detail), listening);
  return promise.finally(() => listening.abort());
}

/** The page's view, once its model is at work. */
async function openView() {
  const frame = document.createElement("iframe");
  frame.src = `../?${OPTIONS}&backend=${backend}`;
  document.body.append(frame);
  await new Promise((resolve) => frame.addEventListener("load", resolve));
  const inner = frame.contentWindow;
  while (!inner.autogaze) await new Promise(requestAnimationFrame);
  const { view } = inner.autogaze;
  await first(view, "frame", ({ gazes }) => gazes > 20);
  return view;
}

/** Rates while the panels show so many frames. */
async function measure(view, name) {
  const encoded = [];
  const listening = new AbortController();
  view.on("encoder-frame", (each) => encoded.push(each), listening);
  let shown = 0;
  const from = performance.now();
  await first(view, "frame", () => ++shown === frames);
  listening.abort();
  const seconds = (performance.now() - from) / 1000;
  const ms = (key) => Number(median(encoded.map((each) => each[key] ?? Number.NaN)).toFixed(1));
  const row = { case: name, panelsPerSecond: frames / seconds, encodedPerSecond: encoded.length / seconds };
  if (encoded.length)
    Object.assign(row, {
      encodeMs: ms("encodeMs"),
      decodeMs: ms("decodeMs"),
      fullEncodeMs: ms("fullEncodeMs"),
    });
  window.result.push(row);
  window.logs.push(JSON.stringify(row));
}

const view = await openView();
await measure(view, "panels alone");
const failed = first(view, "encoder-failed").then(({ message }) => Promise.reject(new Error(message)));
/** What a promise resolves with, unless the encoder fails before. */
const unlessFailed = (promise) => Promise.race([promise, failed]);
for (const full of [false, true]) {
  const ready = first(view, "encoder-ready");
  view.startEncoder({ full, backend });
  if (!full) window.logs.push(`the encoder runs on ${(await unlessFailed(ready)).backend}`);
  await unlessFailed(first(view, "encoder-frame", ({ fullEncodeMs }) => (fullEncodeMs !== null) === full));
  await unlessFailed(
    measure(view, full ? "with all patches encoded, too" : "with the gazed patches encoded"),
  );
}
view.stopEncoder();
window.done = true;
