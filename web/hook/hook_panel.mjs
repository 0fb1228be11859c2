/**
 * The feature "Python": a function of the user's that runs with every frame, and the package's own code.
 * @module
 */

import { element, showText } from "../page/element.mjs";
import { keepText, keptText } from "../page/stored_text.mjs";
import { CodeEditor } from "./code_editor.mjs";
import { EXAMPLES } from "./examples.mjs";

/** @typedef {import("../../wasm_bridge/autogaze.mjs").LiveView} LiveView */
/** @typedef {import("../../wasm_bridge/autogaze.mjs").FrameReport} FrameReport */

const KEPT = "autogaze-hook";
// What runs inside one call of a C function cannot be stopped. The worker is asked again and again whether it
// still answers; after so long without an answer people are told, and can have another worker.
const ASK_EVERY_MS = 1000;
const SILENT_MS = 6000;

export class HookPanel {
  /** Called to end the worker and start another one. @type {() => Promise<void>} */
  onRestart = async () => {};

  #view;
  #editor = new CodeEditor(element("hook-code", HTMLTextAreaElement), element("hook-lines", HTMLElement));
  #example = element("hook-example", HTMLSelectElement);
  #run = element("hook-run", HTMLButtonElement);
  #stop = element("hook-stop", HTMLButtonElement);
  #restart = element("hook-restart", HTMLButtonElement);
  #hint = element("hook-hint", HTMLElement);
  #status = element("hook-status", HTMLElement);
  #printed = element("hook-printed", HTMLTextAreaElement);
  #source = element("hook-source", HTMLTextAreaElement);
  #module = element("hook-module", HTMLSelectElement);
  #running = false;
  #shown = "";
  #watching = false;

  /** @param {LiveView} view */
  constructor(view) {
    this.#view = view;
    for (const name of Object.keys(EXAMPLES)) this.#example.add(new Option(name));
    this.#editor.text = keptText(KEPT) || EXAMPLES[this.#example.value] || "";
    this.#editor.onInput = () => keepText(KEPT, this.#editor.text);
    this.#example.addEventListener("change", () => {
      this.#editor.text = EXAMPLES[this.#example.value] ?? "";
      keepText(KEPT, this.#editor.text);
      if (this.#running) this.#start();
    });
    this.#run.addEventListener("click", () => this.#start());
    this.#stop.addEventListener("click", () => this.#end());
    this.#restart.addEventListener("click", () => this.#startAgain());
    element("hook-clear", HTMLButtonElement).addEventListener("click", () => this.#forget());
    element("hook-code", HTMLTextAreaElement).addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      this.#start();
    });
    this.#module.addEventListener("change", () => this.#showSource(this.#module.value));
    this.#offerModules();
  }

  /** @param {FrameReport} report */
  frame({ hook }) {
    if (!this.#running || !hook) return;
    showText(this.#hint, hook.problem ? "has a problem" : `running, ${hook.ms.toFixed(1)} ms a frame`);
    if (hook.printed) {
      this.#printed.hidden = false;
      if (this.#printed.value !== hook.printed) this.#printed.value = hook.printed;
    }
    this.#tell(hook.problem && problemText(hook), hook.line);
    if (hook.stopped) this.#show(false);
  }

  async #start() {
    this.#printed.hidden = true;
    this.#watch();
    try {
      const { problem, line } = await this.#view.setHook(this.#editor.text);
      this.#show(!problem || this.#running);
      this.#tell(problem && problemText({ problem, line }), line);
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error), null);
    }
  }

  async #end() {
    this.#show(false);
    this.#tell("", null);
    await this.#view.setHook("").catch(() => {});
  }

  async #startAgain() {
    this.#restart.hidden = true;
    this.#show(false);
    this.#tell("Python is being started again, without your function.", null);
    try {
      await this.onRestart();
      this.#tell("Python was started again; your function is off.", null);
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error), null);
    }
  }

  /** Asks the worker whether it still answers, for as long as a function of the user's may hold it up. */
  async #watch() {
    if (this.#watching) return;
    this.#watching = true;
    try {
      do {
        const silence = setTimeout(() => this.#stuck(true), SILENT_MS);
        await this.#view.ping().finally(() => clearTimeout(silence));
        this.#stuck(false);
        await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
      } while (this.#running);
    } catch {
      // Another worker was started meanwhile.
    }
    this.#watching = false;
  }

  /** @param {boolean} stuck */
  #stuck(stuck) {
    if (this.#restart.hidden !== stuck) return;
    this.#restart.hidden = !stuck;
    // Panels that stand still are explained even if this feature was closed meanwhile.
    if (stuck) element("feature-python", HTMLDetailsElement).open = true;
    this.#tell(stuck ? STUCK : "", null);
  }

  #forget() {
    keepText(KEPT, null);
    this.#editor.text = EXAMPLES[this.#example.value] ?? "";
    this.#end();
  }

  async #offerModules() {
    try {
      await this.#view.ready;
      for (const name of await this.#view.modules()) this.#module.add(new Option(name));
    } catch {
      // Without Python there is nothing to show; whoever starts it tells that.
    }
  }

  /** @param {string} module */
  async #showSource(module) {
    this.#source.hidden = !module;
    this.#source.value = module ? await this.#view.source(module).catch(String) : "";
    this.#source.scrollTop = 0;
  }

  /** @param {boolean} running */
  #show(running) {
    this.#running = running;
    this.#stop.disabled = !running;
    this.#hint.textContent = running ? "running" : "see it, change it";
  }

  /**
   * A sentence is announced once, not with every frame.
   * @param {string} sentence
   * @param {number | null} line
   */
  #tell(sentence, line) {
    const text = sentence || (this.#running ? "Your function runs with every frame." : "");
    if (text === this.#shown) return;
    this.#shown = text;
    this.#status.textContent = text;
    this.#editor.mark(sentence ? line : null);
  }
}

const STUCK =
  "Your function does not come back from a call that nothing can interrupt: wait, or start Python again. Your code is kept.";

/** @param {{ problem: string, line: number | null }} hook */
function problemText({ problem, line }) {
  return line === null ? problem : `Line ${line}: ${problem}`;
}
