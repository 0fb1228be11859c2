// Before a page's own scripts: every layout shift without a user's doing, with what moved, in `shifts`.

globalThis.shifts = [];
new PerformanceObserver((list) => {
  for (const { value, sources, hadRecentInput } of list.getEntries()) {
    const moved = sources.map(({ node, previousRect, currentRect }) => [
      nameOf(node),
      previousRect.y,
      currentRect.y,
    ]);
    if (!hadRecentInput) globalThis.shifts.push([value, ...moved]);
  }
}).observe({ type: "layout-shift", buffered: true });

/** Its id or class; for a node that has neither, such as a symbol's path, those of what it is in before its own name. */
function nameOf(node) {
  const name = node?.id || node?.getAttribute?.("class");
  if (name || !node?.parentElement) return name || String(node?.nodeName);
  return `${nameOf(node.parentElement)} ${node.nodeName}`;
}
