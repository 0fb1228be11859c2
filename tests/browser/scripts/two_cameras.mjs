// Before a page's own scripts: a red camera in front and a blue one at the back, each with a white left
// quarter, and a record of what was asked.

globalThis.asked = [];
navigator.mediaDevices.getUserMedia = async ({ video }) => {
  globalThis.asked.push(video);
  const back = (video.deviceId?.exact ?? video.facingMode?.ideal ?? "").startsWith("environment");
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
  stream.getVideoTracks()[0].getSettings = () => ({ deviceId: back ? "environment-1" : "user-1" });
  return stream;
};
navigator.mediaDevices.enumerateDevices = async () => [
  { kind: "videoinput", deviceId: "user-1", label: "Front eye" },
  { kind: "audioinput", deviceId: "ear", label: "Ear" },
  { kind: "videoinput", deviceId: "environment-1", label: "Back eye" },
];
