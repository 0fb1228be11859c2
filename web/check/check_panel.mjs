/**
 * "Check this model": whether the model in use does what NVIDIA's QUICK_START prints for its example clip.
 * @module
 */

/** @import { MaskSource } from "../model/mask_source.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */

import { BUILT_IN, isSelected, NVIDIA } from "../model/model_addresses.mjs";
import { modelInUse } from "../model/model_in_use.mjs";
import { element, showText } from "../page/element.mjs";
import { messageOf } from "../page/notice.mjs";

/** @param {{ settings: Settings, maskSource: MaskSource }} page */
export function addModelCheck({ settings, maskSource }) {
  const line = element("model-check", HTMLElement);
  const run = element("model-check-run", HTMLButtonElement);
  const text = element("model-check-text", HTMLElement);
  /** @type {AbortController | undefined} */
  let running;
  const end = () => {
    running?.abort();
    running = undefined;
    run.textContent = "Check this model";
  };
  maskSource.on("active", (source) => {
    end();
    // Nothing is expected of the built-in model.
    line.hidden =
      source !== "autogaze" || (maskSource.files.length === 0 && isSelected(settings.values, BUILT_IN));
    text.textContent = "Does this model choose what NVIDIA’s QUICK_START prints for its example clip?";
  });
  run.addEventListener("click", async () => {
    if (running) {
      end();
      text.textContent = "The check was cancelled.";
      return;
    }
    const controller = new AbortController();
    running = controller;
    run.textContent = "Cancel";
    const show = (/** @type {string} */ sentence) => {
      if (running === controller) showText(text, sentence);
    };
    try {
      const { checkModel } = await import("./example_check.mjs");
      const result = await checkModel(modelInUse(settings.values, maskSource.files), {
        isReleased: maskSource.files.length === 0 && isSelected(settings.values, NVIDIA),
        signal: controller.signal,
        onProgress: show,
      });
      show(`${result.text} (${result.backend})`);
    } catch (error) {
      show(messageOf(error));
    }
    if (running === controller) end();
  });
}
