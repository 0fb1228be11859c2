/**
 * The settings of an `AutoGaze` object. Types only: this module has no code.
 *
 * They are the options of `options.json` in camel case (`task-loss-requirement` is `taskLossRequirement`); Python
 * validates their values.
 * @module
 */

/**
 * @typedef {object} Settings
 * @property {number | string} taskLossRequirement a frame ends once its predicted task loss is at or below this
 *   value; also accepts decibels ("20dB" is 0.1) or "off"
 * @property {number} maxGazeTokensEachFrame largest number of tokens per frame; 0 for the model's own limit
 * @property {number} topK smallest value that the token limit may have
 * @property {"realtime" | "tiled" | "full-resolution"} mode how the model sees a frame
 * @property {number} tileStride pixels from one tile to the next in full-resolution
 * @property {number} tileBatchSize number of tiles that are processed at most before progress is reported
 * @property {number} framesPerClip frames that the model sees at once, including the newest
 * @property {number} coverageStop a frame ends once its cells cover this share of it; 0 disables this
 * @property {number} patchDiffThreshold
 * @property {number} patchDiffGrid
 * @property {"interframe" | "full-blend"} visualizationMode what the output panel shows
 * @property {number} keyframeDuration frames from one keyframe to the next; 0 for the first frame only
 * @property {number} blendAlpha weight of the colours, 0 to 1
 * @property {"image-mask-only" | "image-overlay" | "overlay" | "scale-rows" | "outlines"} maskVisualization
 * @property {"native" | "deduplicated" | "effective"} maskGeometry
 * @property {number} maskCellScale factor by which the cells' sides are scaled
 * @property {string} hiddenScales grids excluded from the mask, such as "2+4", or "none"
 * @property {"standard" | "colour-blind-safe"} palette colours of the mask panel
 */

export {};
