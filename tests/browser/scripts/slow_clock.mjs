// Before a page's own scripts: its synthetic sources give ten frames a second, not thirty. A page that waits for
// something else would take a processor core. A test that needs the full rate sets `shortestInterval` to 0.

globalThis.shortestInterval = 100;
const { setInterval: startInterval } = globalThis;
globalThis.setInterval = (handler, delay, ...values) =>
  startInterval(handler, Math.max(delay, globalThis.shortestInterval), ...values);
