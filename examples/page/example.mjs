// A clip and a live stream with the built-in model, NVIDIA's (?model=nvidia) or another one: ?config=…&weights=…&graphs=…&backend=…
import { AutoGaze } from "../wasm_bridge/autogaze.mjs";

const find = (id) => document.getElementById(id);
const say = (text) => find("status").replaceChildren(text);

function draw(frame) {
  for (const panel of ["input", "mask", "output"]) {
    Object.assign(find(panel), { width: frame.width, height: frame.height });
    find(panel).getContext("2d").putImageData(frame.imageData(panel), 0, 0);
  }
  say(`Frame ${frame.index}, ${frame.psnrText} dB, tokens: ${frame.tokens.join(" ")}`);
}

const [width, height, frames] = [320, 180, 6];
const rgba = Uint8ClampedArray.from({ length: 4 * width * height * frames }, (_, byte) => {
  const [channel, x, row] = [byte % 4, (byte >> 2) % width, Math.floor(byte / 4 / width)];
  const [y, frame] = [row % height, Math.floor(row / height)];
  const bright = y >= 60 && y < 120 && x >= 40 * frame && x < 40 * frame + 60;
  return channel === 3 ? 255 : bright ? 240 - 50 * channel : ((x + 2 * y) % 64) + 30 * channel;
});

try {
  const model = Object.fromEntries(new URLSearchParams(location.search));
  const onProgress = (step, done, total) => say(`${step}: ${done} of ${total || "?"} bytes`);
  const gaze = await AutoGaze.create({ ...model, onProgress });
  draw((await gaze.inferClip(rgba, { width, height, frames })).last);
  find("camera").disabled = false;
  find("camera").onclick = async () => {
    const video = Object.assign(document.createElement("video"), { muted: true });
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
    await video.play();
    const stream = gaze.stream({ width: 640, height: 360 });
    while (video.srcObject.active) draw(await stream.next(video));
  };
} catch (error) {
  say(error.message);
}
