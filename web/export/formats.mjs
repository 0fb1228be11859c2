/**
 * Which formats of recordings this browser can write.
 * @module
 */

/** @import { RecordingFormat } from "./recording_protocol.mjs" */

// The codecs that `video_writer.mjs` tries for MP4, H.264, AV1 and HEVC, at a typical size.
const MP4_CODECS = ["avc1.42001f", "av01.0.04M.08", "hvc1.1.6.L93.B0"];

/** @returns {Promise<Record<RecordingFormat, boolean>>} */
export async function writableFormats() {
  const webm = typeof VideoEncoder === "function";
  return { webm, mp4: webm && (await writesMp4()), gif: true };
}

async function writesMp4() {
  for (const codec of MP4_CODECS) {
    const { supported } = await VideoEncoder.isConfigSupported({ codec, width: 640, height: 360 });
    if (supported) return true;
  }
  return false;
}
