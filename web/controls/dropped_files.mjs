/**
 * Files dropped on the page or pasted into it.
 * @module
 */

/** @param {(files: File[]) => void} onFiles called with files that are dropped or pasted */
export function acceptFiles(onFiles) {
  let inside = 0;
  /** @param {number} change */
  const count = (change) => {
    inside = Math.max(0, inside + change);
    document.body.classList.toggle("dropping", inside > 0);
  };
  document.addEventListener("dragenter", (event) => {
    if (event.dataTransfer?.types.includes("Files")) count(1);
  });
  document.addEventListener("dragleave", (event) => {
    if (event.dataTransfer?.types.includes("Files")) count(-1);
  });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    count(-inside);
    offer(event.dataTransfer);
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length) event.preventDefault();
    offer(event.clipboardData);
  });
  /** @param {DataTransfer | null} transfer */
  function offer(transfer) {
    const files = [...(transfer?.files ?? [])];
    if (files.length > 0) onFiles(files);
  }
}

/**
 * Separates the files of a model from pictures and videos.
 * @param {File[]} files
 * @returns {{ model: File[], media: File[] }}
 */
export function partitionFiles(files) {
  const model = files.filter(({ name }) => /\.(safetensors|json)$/i.test(name));
  return { model, media: files.filter((file) => !model.includes(file)) };
}
