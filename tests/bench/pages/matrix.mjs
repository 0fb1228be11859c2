/**
 * Opens the site once for each case of `cases.json` and collects the summaries that it comes to.
 * When all are measured `window.done` is true and `window.result` has the machine and a row for each case:
 * the summary, or `error` with what the page said instead.
 */

const LOOK_MS = 100;

window.logs = [];

/** What the browser says of itself and the machine. */
async function machine() {
  const { userAgent, userAgentData, hardwareConcurrency: cores } = navigator;
  const told = await userAgentData?.getHighEntropyValues(["fullVersionList", "platform"]);
  const named = told?.fullVersionList.find(({ brand }) => brand === "Chromium");
  return { browser: named ? `${named.brand} ${named.version}` : userAgent, system: told?.platform ?? "", cores };
}

/** A sentence of the site that asks for attention, if there is one. */
function noticeOf({ document }) {
  const notice = document.getElementById("notice");
  return notice && !notice.hidden ? document.getElementById("notice-text").textContent : null;
}

/** The summary of one case, in a frame of its own. */
async function measure({ name, query, limit }) {
  const frame = document.createElement("iframe");
  frame.src = `../?${query}`;
  document.body.append(frame);
  const end = performance.now() + limit * 1000;
  try {
    while (performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      const summary = frame.contentWindow.__autogazePerfSummary;
      if (summary) return { case: name, ...summary };
      const error = noticeOf(frame.contentWindow);
      if (error) return { case: name, error: `the page says: ${error}` };
    }
    return { case: name, error: `no summary in ${limit} seconds` };
  } finally {
    frame.remove();
  }
}

const rows = [];
for (const wanted of await (await fetch("cases.json")).json()) {
  const row = await measure(wanted);
  rows.push(row);
  window.logs.push(`${row.case}: ${row.error ?? `${row.p50_total_ms.toFixed(1)} ms a frame`}`);
  console.log(window.logs.at(-1));
}
window.result = { machine: await machine(), rows };
window.done = true;
