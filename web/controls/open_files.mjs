/**
 * Opens the files that the user chooses in the dialog, drops on the page or pastes into it.
 * @module
 */

/** @import { MaskSource } from "../model/mask_source.mjs" */
/** @import { Settings } from "../settings/settings.mjs" */
/** @import { SourcePlayer } from "../sources/source_player.mjs" */

import { element } from "../page/element.mjs";
import { hideNotice, showNotice } from "../page/notice.mjs";
import { acceptFiles, partitionFiles } from "./dropped_files.mjs";

/** @param {{ settings: Settings, player: SourcePlayer, maskSource: MaskSource }} page */
export function addFileOpening({ settings, player, maskSource }) {
  const input = element("file", HTMLInputElement);
  element("open-file", HTMLButtonElement).addEventListener("click", () => input.click());
  const source = element("source", HTMLSelectElement);
  source.addEventListener("change", () => {
    // Browsers open the dialog for a user alone.
    if (player.needsFile(source.value) && navigator.userActivation?.isActive !== false) input.click();
  });
  input.addEventListener("change", () => {
    const files = [...(input.files ?? [])];
    input.value = "";
    open(files);
  });
  acceptFiles(open);

  /** @param {File[]} files */
  function open(files) {
    hideNotice();
    const { model, media } = partitionFiles(files);
    const [first] = media;
    if (model.length > 0) maskSource.choose("autogaze", model);
    else if (first) {
      player.openFile(first, (source) => settings.set({ source }));
      if (media.length > 1) showNotice(`"${first.name}" is shown: the page opens one file at a time.`);
    }
  }
}
