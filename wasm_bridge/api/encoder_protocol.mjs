/**
 * The calls of a `VisionEncoder` to its worker. Types only: this module has no code.
 * @module
 */

/** @import { CallContext } from "../calls/call_types.mjs" */
/** @import { EncoderDescription } from "../model/encoder_types.mjs" */
/** @import { ImageFrame, PixelFrame } from "./protocol.mjs" */

/**
 * @typedef {object} EncoderCreateArgs
 * @property {string} siteUrl
 * @property {string} folder address of the folder with the files; used unless there are files
 * @property {File[]} files
 * @property {string} graphs address of the folder with encoder_graphs.json
 * @property {"auto" | "webgpu" | "wasm"} backend
 * @property {string} [scales]
 * @property {string} [attnType]
 * @property {boolean} [frameIndependent]
 * @property {boolean} decodes whether frames are rebuilt
 *
 * @typedef {{ backend: string, notes: string[], description: EncoderDescription }} EncoderCreated
 *
 * @typedef {object} EncodedAnswer
 * @property {Float32Array<ArrayBuffer>} features
 * @property {Float32Array<ArrayBuffer>} [pooled]
 * @property {Uint8ClampedArray<ArrayBuffer>} [rebuilt]
 * @property {number} encodeMs
 * @property {number} decodeMs
 */

/**
 * The calls by name; `stream` is empty for a frame by itself.
 * @typedef {object} EncoderApiCalls
 * @property {(args: EncoderCreateArgs, context: CallContext) => Promise<EncoderCreated>} create
 * @property {(args: { stream: string, window: number | null }) => void} open
 * @property {(args: { stream: string }) => Promise<void>} close
 * @property {(args: { stream: string, frame: PixelFrame | ImageFrame, tokens: number[] | null }, context: CallContext) => Promise<EncodedAnswer>} encode
 * @property {(nothing: null) => void} drain
 */

export {};
