// Before a page's own scripts: a camera that flickers, with a white patch that moves; `turn()` turns it on its side.

const canvas = document.createElement("canvas");
[canvas.width, canvas.height] = [320, 180];
const context = canvas.getContext("2d");
let n = 0;
setInterval(() => {
  n += 1;
  context.fillStyle = n % 2 ? "navy" : "orange";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = "white";
  context.fillRect(n % 100, n % 100, 60, 40);
}, 50);
globalThis.turn = () => {
  [canvas.width, canvas.height] = [canvas.height, canvas.width];
};
navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(20);
