// Before a page's own scripts: every text of the loading bar, in `seen`.

globalThis.seen = [];
addEventListener("DOMContentLoaded", () => {
  const bytes = document.getElementById("loading-bytes");
  new MutationObserver(() => globalThis.seen.push(bytes.textContent)).observe(bytes, { childList: true });
});
