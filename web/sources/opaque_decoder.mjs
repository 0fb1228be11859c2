/**
 * Decodes videos with an alpha layer without it, as FFmpeg does.
 *
 * Mediabunny would merge the layer with the picture, in workers of its own.
 * @module
 */

/** @import { EncodedPacket, VideoSample } from "mediabunny" */
/** @typedef {typeof import("mediabunny")} Mediabunny */

// The only codecs whose containers have such a layer.
const CODECS = ["vp8", "vp9"];
const MAX_QUEUED = 8;
const HD_HEIGHT = 720;
let registered = false;

/**
 * The configuration with which this browser decodes a video. Some recorders write a VP9 level of 0, which there is
 * not: the highest one takes its place.
 * @param {VideoDecoderConfig} config
 * @returns {Promise<VideoDecoderConfig | undefined>} undefined if it does not
 */
export async function supportedConfig(config) {
  const codec = config.codec.replace(/^(vp09\.\d\d)\.\d\d\./, "$1.62.");
  for (const each of [config, { ...config, codec }]) {
    const { supported } = await VideoDecoder.isConfigSupported(each).catch(() => ({ supported: false }));
    if (supported) return each;
  }
  return undefined;
}

/**
 * The configuration of a video with the colours that a <video> takes for those of a file that does not name them.
 * Without them Mediabunny asks for BT.709 at any height. `py/autogaze_web/files/frame_colours.py` does the same.
 * @param {VideoDecoderConfig} config
 * @returns {VideoDecoderConfig}
 */
export function withColours(config) {
  if (config.colorSpace?.matrix) return config;
  const isHd = (config.codedHeight ?? 0) >= HD_HEIGHT && !/^(vp09|av01)/.test(config.codec);
  const standard = isHd ? "bt709" : "smpte170m";
  const named = { primaries: standard, transfer: standard, matrix: standard };
  const fullRange = config.colorSpace?.fullRange ?? false;
  return { ...config, colorSpace: /** @type {VideoColorSpaceInit} */ ({ ...named, fullRange }) };
}

/** @param {Mediabunny} library */
export function registerOpaqueDecoder(library) {
  if (registered) return;
  registered = true;

  library.registerDecoder(
    class extends library.CustomVideoDecoder {
      /** @type {VideoDecoder | undefined} */
      #decoder;
      /** Ends the wait for room in the decoder's queue. */
      #wake = () => {};

      /** @param {string} codec */
      static supports(codec) {
        return CODECS.includes(codec);
      }

      init() {
        return this.#attempt(async () => {
          const config = (await supportedConfig(this.config)) ?? this.config;
          this.#decoder = new VideoDecoder({
            output: (frame) => this.onSample(new library.VideoSample(frame)),
            error: (error) => {
              this.onError(error);
              this.#wake(); // no more "dequeue" will come
            },
          });
          this.#decoder.addEventListener("dequeue", () => this.#wake());
          this.#decoder.configure(config);
        });
      }

      /** @param {EncodedPacket} packet */
      decode(packet) {
        return this.#attempt(async () => {
          const decoder = this.#decoder;
          if (decoder?.state !== "configured") return;
          decoder.decode(packet.toEncodedVideoChunk());
          while (decoder.state === "configured" && decoder.decodeQueueSize > MAX_QUEUED) {
            await new Promise((resolve) => {
              this.#wake = () => resolve(undefined);
            });
          }
        });
      }

      flush() {
        return this.#attempt(async () => {
          if (this.#decoder?.state === "configured") await this.#decoder.flush();
        });
      }

      close() {
        if (this.#decoder?.state !== "closed") this.#decoder?.close();
      }

      /**
       * Reports what a task throws. A rejected call would have Mediabunny reject all later ones, the one that closes
       * the decoder included, which nobody handles.
       * @param {() => Promise<void>} task
       */
      async #attempt(task) {
        try {
          await task();
        } catch (error) {
          this.onError(error instanceof Error ? error : new Error(String(error)));
        }
      }
    },
  );
}
