/**
 * What a vision encoder is loaded with, and what it is. Types only: this module has no code.
 * @module
 */

/** @import { BackendName } from "../runner/backend.mjs" */

/**
 * @typedef {object} EncoderLoadOptions
 * @property {string} siteUrl
 * @property {string} graphsUrl of the folder with encoder_graphs.json
 * @property {BackendName | "auto"} backend
 * @property {string} [scales] as in "32+64+112+224"
 * @property {string} [attnType] "block_causal", "causal" or "bidirectional"
 * @property {boolean} [frameIndependent] whether a token sees its own frame alone
 * @property {boolean} [decodes] whether the frame decoder beside the encoder is loaded, too
 */

/**
 * What an encoder is: `PageEncoder.description` of `py/autogaze_web/page/encoder_model.py`.
 * @typedef {object} EncoderDescription
 * @property {number} layers
 * @property {number} hidden numbers of a feature
 * @property {number[]} scales pixels per side
 * @property {number[]} grids patches per side of each scale
 * @property {number} patches of a frame, over all scales
 * @property {number} patchSize pixels per side of a patch
 * @property {number} side pixels per side of a rebuilt frame; 0 without a frame decoder
 */

export {};
