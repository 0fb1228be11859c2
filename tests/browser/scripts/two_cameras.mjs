// Before a page's own scripts: a red camera in front and a blue one at the back, each with a white left
// quarter, and a record of what was asked.

globalThis.asked = [];
globalThis.streams = [];
// The id of a camera that is gone.
globalThis.missing = "";
globalThis.mute = (muted) => {
  const [track] = globalThis.streams.at(-1).getVideoTracks();
  Object.defineProperty(track, "muted", { value: muted, configurable: true });
  track.dispatchEvent(new Event(muted ? "mute" : "unmute"));
};
navigator.mediaDevices.getUserMedia = async ({ video }) => {
  globalThis.asked.push(video);
  const { missing, streams } = globalThis;
  if (missing && video.deviceId?.exact === missing)
    throw new DOMException("said the test", "OverconstrainedError");
  const wanted = video.deviceId?.exact ?? video.facingMode?.ideal ?? "";
  const back = wanted.startsWith("environment") && missing !== "environment-1";
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [320, 180];
  const context = canvas.getContext("2d");
  setInterval(() => {
    context.fillStyle = back ? "rgb(0 0 200)" : "rgb(200 0 0)";
    context.fillRect(0, 0, 320, 180);
    context.fillStyle = "white";
    context.fillRect(0, 0, 80, 180);
  }, 50);
  const stream = canvas.captureStream(20);
  const [track] = stream.getVideoTracks();
  const facingMode = globalThis.isPhone ? (back ? "environment" : "user") : undefined;
  track.getSettings = () => ({ deviceId: back ? "environment-1" : "user-1", facingMode });
  Object.defineProperty(track, "label", { value: back ? "Back eye" : "Front eye" });
  streams.push(stream);
  return stream;
};
navigator.mediaDevices.enumerateDevices = async () => [
  { kind: "videoinput", deviceId: "user-1", label: "Front eye" },
  { kind: "audioinput", deviceId: "ear", label: "Ear" },
  { kind: "videoinput", deviceId: "environment-1", label: "Back eye" },
];
