/**
 * Counts the frames of files as the page does. As a program it prints those of the files named on its command line as
 * JSON, for tests/unit/test_frames_in_javascript.py.
 * @module
 */

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { readAnimation } from "../../web/sources/animation.mjs";
import { kindOf, missingPart, withWholeBoxes } from "../../web/sources/file_kind.mjs";
import { frameRate } from "../../web/sources/frame_rate.mjs";
import { readFrames } from "../../web/sources/frame_reader.mjs";
import { withWholeClusters } from "../../web/sources/matroska_repair.mjs";
import { videoTrack } from "../../web/sources/media_input.mjs";

const LIBRARY = new URL(
  "../../wasm_bridge/node_modules/mediabunny/dist/bundles/mediabunny.mjs",
  import.meta.url,
).href;

/**
 * @param {Blob} file a video
 * @returns {Promise<{ times: number[], framesPerSecond: number | null }>}
 */
export async function mediaFrames(file) {
  const library = await import(LIBRARY);
  library.Logging.level = library.LogLevel.Errors;
  const boxes = await withWholeBoxes(file);
  const source = new library.BlobSource(await withWholeClusters(boxes));
  const input = new library.Input({ formats: library.ALL_FORMATS, source });
  const track = await videoTrack(input);
  if (!track) throw new Error("it has no video");
  const isCut = (await missingPart(boxes)) !== "";
  const { signal } = new AbortController();
  const setup = { signal, onProgress() {}, duration: Number.NaN, isCut };
  const { times } = await readFrames(library, file, track, setup);
  return { times, framesPerSecond: await frameRate(file, track) };
}

/** @param {Blob} file of any kind */
async function framesOf(file) {
  const kind = await kindOf(file);
  if (kind !== "picture") return { kind, ...(await mediaFrames(file)) };
  const { durations } = (await readAnimation(file)) ?? { durations: [] };
  let end = 0;
  const times = durations.map((duration) => {
    end += duration;
    return end - duration;
  });
  return { kind, times: times.length > 0 ? times : [0], framesPerSecond: null };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const found = [];
  for (const path of process.argv.slice(2)) {
    try {
      found.push(await framesOf(new Blob([readFileSync(path)])));
    } catch (error) {
      found.push({ problem: String(error) });
    }
  }
  process.stdout.write(JSON.stringify(found));
}
