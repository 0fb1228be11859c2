/**
 * The feature "Python": the user's function that runs on every frame, and the package's own code.
 * @module
 */

/** @import { FrameReport, LiveView } from "../../wasm_bridge/autogaze.mjs" */

import { element, showText } from "../page/element.mjs";
import { messageOf } from "../page/notice.mjs";
import { readText, storeText } from "../page/stored_text.mjs";
import { freshPanelCanvases } from "../panels/panels.mjs";
import { CodeEditor } from "./code_editor.mjs";
import { EXAMPLES } from "./examples.mjs";

const STORAGE_KEY = "autogaze-hook";
// A call into C cannot be interrupted. The worker is pinged while a function runs; if it does not answer in time,
// the panel says so and offers to restart it.
const PING_INTERVAL_MS = 1000;
const PING_TIMEOUT_MS = 6000;

export class HookPanel {
  #view;
  #editor = new CodeEditor(element("hook-code", HTMLTextAreaElement), element("hook-lines", HTMLElement));
  #example = element("hook-example", HTMLSelectElement);
  #run = element("hook-run", HTMLButtonElement);
  #stop = element("hook-stop", HTMLButtonElement);
  #restart = element("python-restart", HTMLButtonElement);
  #hint = element("hook-hint", HTMLElement);
  #status = element("hook-status", HTMLElement);
  #printed = element("hook-printed", HTMLTextAreaElement);
  #source = element("hook-source", HTMLTextAreaElement);
  #module = element("hook-module", HTMLSelectElement);
  #running = false;
  #announced = "";
  /** Whether the code in the editor was refused; the previous function, if any, runs on. */
  #refused = false;
  #watching = false;
  #restarting = false;
  /** Whether a function has run since Python was started. */
  #hasRun = false;

  /** @param {{ view: LiveView }} page */
  constructor({ view }) {
    this.#view = view;
    view.on("frame", (report) => this.#showReport(report));
    view.on("redraw", (report) => this.#showReport(report));
    view.on("frame-error", () => this.#checkPython());
    for (const name of Object.keys(EXAMPLES)) this.#example.add(new Option(name));
    this.#editor.text = readText(STORAGE_KEY) || EXAMPLES[this.#example.value] || "";
    this.#editor.onInput = () => storeText(STORAGE_KEY, this.#editor.text);
    this.#example.addEventListener("change", () => {
      this.#editor.text = EXAMPLES[this.#example.value] ?? "";
      storeText(STORAGE_KEY, this.#editor.text);
      if (this.#running) this.#start();
    });
    this.#run.addEventListener("click", () => this.#start());
    this.#stop.addEventListener("click", () => this.#clear());
    this.#restart.addEventListener("click", () => this.#restartPython());
    element("hook-clear", HTMLButtonElement).addEventListener("click", () => this.#deleteCode());
    element("hook-code", HTMLTextAreaElement).addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      this.#start();
    });
    this.#module.addEventListener("change", () => this.#showSource(this.#module.value));
    this.#listModules();
  }

  /** @param {FrameReport} report */
  #showReport({ hook }) {
    if (!this.#running || !hook) return;
    const failed = hook.problem || this.#refused;
    showText(this.#hint, failed ? "has an error" : `running, ${hook.ms.toFixed(1)} ms a frame`);
    if (hook.printed) {
      this.#printed.hidden = false;
      if (this.#printed.value !== hook.printed) this.#printed.value = hook.printed;
    }
    if (!this.#refused) this.#showStatus(hook.problem && problemText(hook), hook.line);
    if (hook.stopped) this.#setRunning(false);
  }

  async #start() {
    this.#printed.hidden = true;
    this.#hasRun = true;
    this.#watchWorker();
    try {
      const { problem, line } = await this.#view.setHook(this.#editor.text);
      this.#refused = problem !== "";
      this.#setRunning(!problem || this.#running);
      const before = problem && this.#running ? " Your previous function runs on." : "";
      this.#showStatus(problem && `${problemText({ problem, line })}${before}`, line);
    } catch (error) {
      this.#showStatus(messageOf(error), null);
    }
  }

  async #clear() {
    this.#refused = false;
    this.#setRunning(false);
    this.#showStatus("", null);
    await this.#view.setHook("").catch(() => {});
  }

  async #restartPython() {
    this.#restarting = true;
    this.#hasRun = false;
    this.#restart.hidden = true;
    this.#refused = false;
    this.#setRunning(false);
    this.#showStatus("Python is restarting, without your function.", null, false);
    try {
      this.#view.restart(freshPanelCanvases());
      await this.#view.ready;
      this.#showStatus("Python was restarted; your function is off.", null, false);
    } catch (error) {
      this.#showStatus(messageOf(error), null);
    }
    this.#restarting = false;
  }

  /** Pings the worker for as long as the user's function runs. */
  async #watchWorker() {
    if (this.#watching) return;
    this.#watching = true;
    try {
      do {
        const timeout = setTimeout(() => this.#setStuck(true), PING_TIMEOUT_MS);
        await this.#view.ping().finally(() => clearTimeout(timeout));
        this.#setStuck(false);
        await new Promise((resolve) => setTimeout(resolve, PING_INTERVAL_MS));
      } while (this.#running);
    } catch {
      this.#reportEnd();
    }
    this.#watching = false;
  }

  /** A frame failed: notices if Python has ended, which no function can prevent. */
  async #checkPython() {
    if (this.#hasRun) await this.#view.ping().catch(() => this.#reportEnd());
  }

  #reportEnd() {
    // Otherwise the worker was restarted in the meantime, or this is known already.
    if (this.#restarting || !this.#restart.hidden) return;
    this.#setRunning(false);
    this.#restart.hidden = false;
    element("feature-python", HTMLDetailsElement).open = true;
    this.#showStatus(ENDED, null);
  }

  /** @param {boolean} stuck */
  #setStuck(stuck) {
    if (this.#restart.hidden !== stuck) return;
    this.#restart.hidden = !stuck;
    // Open, so that frozen panels are explained even if this feature was closed.
    if (stuck) element("feature-python", HTMLDetailsElement).open = true;
    this.#showStatus(stuck ? STUCK : "", null);
  }

  #deleteCode() {
    storeText(STORAGE_KEY, null);
    this.#editor.text = EXAMPLES[this.#example.value] ?? "";
    // Whatever the function changed in Python ends with it.
    if (this.#hasRun) this.#restartPython();
    else this.#clear();
  }

  async #listModules() {
    try {
      await this.#view.ready;
      for (const name of await this.#view.modules()) this.#module.add(new Option(name));
    } catch {
      // Python could not start, which the page reports elsewhere.
    }
  }

  /** @param {string} module */
  async #showSource(module) {
    this.#source.hidden = !module;
    this.#source.value = module ? await this.#view.source(module).catch(String) : "";
    this.#source.scrollTop = 0;
  }

  /** @param {boolean} running */
  #setRunning(running) {
    this.#running = running;
    this.#stop.disabled = !running;
    this.#hint.textContent = this.#refused ? "has an error" : running ? "running" : "read it, change it";
  }

  /**
   * Announces a sentence once, not with every frame.
   * @param {string} sentence
   * @param {number | null} line
   * @param {boolean} isProblem
   */
  #showStatus(sentence, line, isProblem = sentence !== "") {
    const text = sentence || (this.#running ? "Your function runs on every frame." : "");
    if (text === this.#announced) return;
    this.#announced = text;
    this.#status.textContent = text;
    this.#status.classList.toggle("problem", isProblem);
    this.#editor.mark(sentence ? line : null);
  }
}

const ENDED = "Python has ended: restart it. Your code, the source and the settings stay.";
const STUCK =
  "Your function is in a call that cannot be interrupted: wait, or restart Python. Your code is stored.";

/** @param {{ problem: string, line: number | null }} hook */
function problemText({ problem, line }) {
  return line === null ? problem : `Line ${line}: ${problem}`;
}
