/**
 * The feature "Python": a function of the user's that runs with every frame, and the package's own code.
 * @module
 */

import { element, showText } from "../element.mjs";
import { CodeEditor } from "./code_editor.mjs";
import { EXAMPLES } from "./examples.mjs";

/** @typedef {import("../../wasm_bridge/autogaze.mjs").LiveView} LiveView */
/** @typedef {import("../../wasm_bridge/autogaze.mjs").FrameReport} FrameReport */

const KEPT = "autogaze-hook";
// `SHOWN` in py/autogaze_web/page_hook.py.
const MODULES = [
  "patch_diff.py",
  "cells.py",
  "mask_geometry.py",
  "update_plan.py",
  "accumulation.py",
  "panels.py",
  "metrics.py",
  "live.py",
  "generation.py",
  "hook.py",
];
// What runs inside one call of a C function cannot be stopped: after so long people are told what to do.
const SILENT_MS = 8000;

export class HookPanel {
  #view;
  #editor = new CodeEditor(element("hook-code", HTMLTextAreaElement), element("hook-lines", HTMLElement));
  #example = element("hook-example", HTMLSelectElement);
  #run = element("hook-run", HTMLButtonElement);
  #stop = element("hook-stop", HTMLButtonElement);
  #hint = element("hook-hint", HTMLElement);
  #status = element("hook-status", HTMLElement);
  #printed = element("hook-printed", HTMLTextAreaElement);
  #source = element("hook-source", HTMLTextAreaElement);
  #running = false;
  #shown = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silence;

  /** @param {LiveView} view */
  constructor(view) {
    this.#view = view;
    for (const name of Object.keys(EXAMPLES)) this.#example.add(new Option(name));
    this.#editor.text = kept() || EXAMPLES[this.#example.value] || "";
    this.#editor.onInput = () => keep(this.#editor.text);
    this.#example.addEventListener("change", () => {
      this.#editor.text = EXAMPLES[this.#example.value] ?? "";
      keep(this.#editor.text);
      if (this.#running) this.#start();
    });
    this.#run.addEventListener("click", () => this.#start());
    this.#stop.addEventListener("click", () => this.#end());
    element("hook-clear", HTMLButtonElement).addEventListener("click", () => this.#forget());
    element("hook-code", HTMLTextAreaElement).addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      this.#start();
    });
    const module = element("hook-module", HTMLSelectElement);
    for (const name of MODULES) module.add(new Option(name));
    module.addEventListener("change", () => this.#showSource(module.value));
  }

  /** @param {FrameReport} report */
  frame({ hook }) {
    clearTimeout(this.#silence);
    if (!this.#running || !hook) return;
    this.#silence = setTimeout(() => this.#tell(SILENT, null), SILENT_MS);
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

  #forget() {
    try {
      localStorage.removeItem(KEPT);
    } catch {
      // Then nothing was kept.
    }
    this.#editor.text = EXAMPLES[this.#example.value] ?? "";
    this.#end();
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
    clearTimeout(this.#silence);
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

const SILENT =
  "Your function has not come back for a while, or no frames come. If it does not end, reload the page: your code is kept.";

/** @param {{ problem: string, line: number | null }} hook */
function problemText({ problem, line }) {
  return line === null ? problem : `Line ${line}: ${problem}`;
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/** @param {string} text */
function keep(text) {
  try {
    localStorage.setItem(KEPT, text);
  } catch {
    // A window that keeps nothing: the code lives as long as the page.
  }
}
