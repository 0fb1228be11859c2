/**
 * The feature "Benchmark": one click measures this machine.
 * @module
 */

/** @import { MaskSource } from "../model/mask_source.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */
/** @import { SourcePlayer } from "../sources/source_player.mjs" */
/** @import { BenchResult } from "./bench_report.mjs" */

import { modelInUse } from "../model/model_in_use.mjs";
import { element, showText } from "../page/element.mjs";
import { messageOf } from "../page/notice.mjs";

export class BenchmarkPanel {
  #page;
  #run = element("bench-run", HTMLButtonElement);
  #status = element("bench-status", HTMLElement);
  #progress = element("bench-progress", HTMLElement);
  #copies = {
    text: element("bench-copy-text", HTMLButtonElement),
    json: element("bench-copy-json", HTMLButtonElement),
  };
  /** @type {AbortController | undefined} */
  #running;

  /** @param {{ settings: Settings, player: SourcePlayer, maskSource: MaskSource }} page */
  constructor(page) {
    this.#page = page;
    this.#run.addEventListener("click", () => (this.#running ? this.#running.abort() : this.#measure()));
  }

  async #measure() {
    const { player, settings, maskSource } = this.#page;
    const controller = new AbortController();
    this.#running = controller;
    this.#run.textContent = "Cancel";
    this.#status.textContent = "";
    this.#progress.hidden = false;
    this.#showProgress("Preparing", 0);
    // Playback would be measured as well.
    const isIn = (/** @type {string} */ state) => player.state === state;
    const wasRunning = isIn("running");
    if (wasRunning) player.toggle();
    try {
      const [{ runBenchmark }, report] = await Promise.all([
        import("./machine_bench.mjs"),
        import("./bench_report.mjs"),
      ]);
      const result = await runBenchmark({
        model: modelInUse(settings.values, maskSource.files),
        signal: controller.signal,
        onProgress: (text, share) => this.#showProgress(text, share),
      });
      this.#show(result, report);
    } catch (error) {
      this.#status.textContent = controller.signal.aborted
        ? "The measurement was cancelled."
        : messageOf(error);
    }
    this.#running = undefined;
    this.#run.textContent = "Measure this machine";
    this.#progress.hidden = true;
    if (wasRunning && isIn("paused")) player.toggle();
  }

  /**
   * @param {string} text
   * @param {number} share
   */
  #showProgress(text, share) {
    showText(element("bench-step", HTMLElement), text);
    element("bench-bar", HTMLProgressElement).value = share;
  }

  /**
   * @param {BenchResult} result
   * @param {typeof import("./bench_report.mjs")} report
   */
  #show(result, { REFERENCES, rowsOf, machineText, reportText }) {
    const columns = ["", "This machine", ...REFERENCES.map(({ name, backend }) => `${name}, ${backend}`)];
    element("bench-head", HTMLTableRowElement).replaceChildren(...columns.map((name) => headOf(name, "col")));
    element("bench-rows", HTMLTableSectionElement).replaceChildren(
      ...rowsOf(result).map(({ name, values }) => {
        const row = document.createElement("tr");
        row.append(headOf(name, "row"));
        for (const value of values) row.insertCell().textContent = value || "–";
        return row;
      }),
    );
    element("bench-machine", HTMLElement).textContent = machineText(result);
    element("bench-result", HTMLElement).hidden = false;
    this.#status.textContent = "Measured.";
    const contents = { text: reportText(result), json: `${JSON.stringify(result, null, 1)}\n` };
    for (const kind of /** @type {const} */ (["text", "json"])) {
      this.#copies[kind].hidden = false;
      this.#copies[kind].onclick = () => this.#copy(contents[kind]);
    }
  }

  /** @param {string} content */
  async #copy(content) {
    try {
      await navigator.clipboard.writeText(content);
      this.#status.textContent = "Copied.";
    } catch {
      this.#status.textContent = "The browser did not let the page copy: select the table instead.";
    }
  }
}

/**
 * @param {string} name empty for the corner of a table
 * @param {"row" | "col"} scope
 */
function headOf(name, scope) {
  if (!name) return document.createElement("td");
  const head = document.createElement("th");
  head.scope = scope;
  head.textContent = name;
  return head;
}
