// Before a page's own scripts: a camera that does not open, with the error whose name `refusal` is.

globalThis.refusal = "NotReadableError";
navigator.mediaDevices.getUserMedia = async () => {
  throw new DOMException("said the test", globalThis.refusal);
};
