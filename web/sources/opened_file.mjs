/**
 * What a file is opened as: a player, which shows it in real time, and a reader, which has its frames by number.
 * @module
 */

/** @import { PictureFrame } from "../../wasm_bridge/autogaze.mjs" */

/**
 * Plays a file in real time: a <video>, or a timer for an animated picture.
 * @typedef {object} Player
 * @property {number} duration in seconds; not finite while unknown
 * @property {boolean} seeking whether it is about to show another time
 * @property {(events: PlayerEvents) => void} start reports pictures from now on
 * @property {(loop: boolean) => void} play
 * @property {(loop: boolean) => void} setLoop
 * @property {() => void} pause
 * @property {(time: number) => void} seek
 * @property {() => Promise<(PictureFrame & { time: number }) | null>} capture null while there is no picture
 * @property {() => void} close
 */

/**
 * @typedef {object} PlayerEvents
 * @property {(time: number) => void} onPicture there is another picture
 * @property {() => void} onEnded
 * @property {() => void} onBroken the rest of the file cannot be played
 * @property {(sentence: string) => void} onRefused see `SourceEvents`
 */

/**
 * The frames of a file by their numbers, from 0. Times are in seconds from the start of the presentation.
 * @typedef {object} Reader
 * @property {number} count
 * @property {string} damage what is wrong with the file, such as "is damaged after 5 frames"; empty if nothing is
 * @property {(index: number) => number} timeOf
 * @property {(index: number) => number | undefined} durationOf
 * @property {(time: number) => number} indexAt
 * @property {(index: number) => Promise<PictureFrame>} frame in its displayed size
 * @property {(index: number) => number | undefined} resumeAfter the next frame that does not depend on this one
 * @property {() => void} close
 */

/**
 * While the frames of a file are counted: how many there are up to here, and the share of the file, 0 to 1, where
 * it is known.
 * @typedef {{ frames: number, share: number | undefined }} CountingProgress
 * @typedef {{ signal: AbortSignal, onProgress: (progress: CountingProgress) => void, duration: number }} ReaderSetup
 */

/**
 * @typedef {object} OpenedFile
 * @property {string} name
 * @property {string} missing what the file lacks, if it was cut off; else empty
 * @property {Player} player
 * @property {(setup: ReaderSetup) => Promise<Reader>} openReader rejects with a sentence for the user
 * @property {() => Promise<number | null>} readRate frames per second on average; null if the file states none
 */

export {};
