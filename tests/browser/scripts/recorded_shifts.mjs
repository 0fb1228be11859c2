// Before a page's own scripts: every layout shift without a user's doing, with what moved, in `shifts`.

globalThis.shifts = [];
new PerformanceObserver((list) => {
  for (const { value, sources, hadRecentInput } of list.getEntries()) {
    const moved = sources.map(({ node, previousRect, currentRect }) => [
      node?.id || node?.className || node?.nodeName,
      previousRect.y,
      currentRect.y,
    ]);
    if (!hadRecentInput) globalThis.shifts.push([value, ...moved]);
  }
}).observe({ type: "layout-shift", buffered: true });
