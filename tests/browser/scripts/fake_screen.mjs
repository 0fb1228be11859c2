// Before a page's own scripts: a screen to be shared that changes its colour, and a record of what was asked.
// With `refusal` set to the name of an error, sharing fails with that.

const canvas = document.createElement("canvas");
[canvas.width, canvas.height] = [320, 180];
const context = canvas.getContext("2d");
let red = 0;
setInterval(() => {
  red = (red + 40) % 256;
  context.fillStyle = `rgb(${red} 90 160)`;
  context.fillRect(0, 0, canvas.width, canvas.height);
}, 50);
globalThis.asked = [];
navigator.mediaDevices.getDisplayMedia = async (wanted) => {
  globalThis.asked.push(wanted);
  if (globalThis.refusal) throw new DOMException("said the test", globalThis.refusal);
  return canvas.captureStream(20);
};
