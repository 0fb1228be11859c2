// Before a page's own scripts: every text of the loading bar, in `seen`. Frames of the page have none.

globalThis.seen = [];
addEventListener("DOMContentLoaded", () => {
  const bytes = document.getElementById("loading-bytes");
  if (!bytes) return;
  new MutationObserver(() => globalThis.seen.push(bytes.textContent)).observe(bytes, { childList: true });
});
