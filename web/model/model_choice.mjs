/**
 * The line that says whose model is in use and offers the other one, and the line about stored models.
 * @module
 */

/** @import { LiveView } from "../../wasm_bridge/autogaze.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */
/** @import { MaskSource } from "./mask_source.mjs" */

import { element } from "../page/element.mjs";
import { follow } from "../settings/bound_controls.mjs";
import { allowOrigins, otherOrigins } from "./host_question.mjs";
import { BUILT_IN, isSelected, NVIDIA } from "./model_addresses.mjs";

/** @param {{ settings: Settings, maskSource: MaskSource }} page */
export function addModelChoice({ settings, maskSource }) {
  const line = element("model-choice", HTMLElement);
  const text = element("model-choice-text", HTMLElement);
  const other = element("model-choice-other", HTMLButtonElement);
  const retry = element("model-retry", HTMLButtonElement);
  const { values } = settings;
  const isBuiltIn = () => isSelected(values, BUILT_IN);
  const isKnown = () => maskSource.files.length === 0 && (isBuiltIn() || isSelected(values, NVIDIA));
  other.addEventListener("click", () => {
    const model = isBuiltIn() ? NVIDIA : BUILT_IN;
    allowOrigins(otherOrigins(Object.values(model))); // the button names the host's model
    settings.set({ ...model, "mask-source": "autogaze" });
  });
  retry.addEventListener("click", () => maskSource.choose("autogaze", maskSource.files));
  const show = () => {
    line.hidden = values["mask-source"] !== "autogaze" || !isKnown();
    retry.hidden = true;
    other.hidden = false;
    text.textContent = isBuiltIn()
      ? "The built-in model: small, trained by this project, not NVIDIA’s."
      : "NVIDIA’s model, from Hugging Face.";
    other.textContent = isBuiltIn() ? "Download NVIDIA’s (13 MB)" : "Use the built-in one";
  };
  follow(settings, show);
  maskSource.on("chosen", show);
  maskSource.on("load-failed", () => {
    const model = !isKnown() ? "The model" : isBuiltIn() ? "The built-in model" : "NVIDIA’s model";
    const now = maskSource.backend ? "the previous one stays in use" : "patch-diff chooses the cells";
    text.textContent = `${model} could not be loaded: ${now}.`;
    line.hidden = retry.hidden = false;
    other.hidden = !isKnown();
  });
}

/** @param {{ view: LiveView }} page */
export function addModelStorage({ view }) {
  const line = element("storage", HTMLElement);
  view.on("storage", ({ bytes }) => {
    line.hidden = bytes === 0;
    element("storage-text", HTMLElement).textContent =
      `Model files stored on this machine: ${(bytes / 1e6).toFixed(1)} MB.`;
  });
  element("storage-delete", HTMLButtonElement).addEventListener("click", () => view.deleteStoredModels());
}
