/**
 * The settings of an `AutoGaze` object. Types only: this module has no code.
 *
 * They are the options of `options.json`, in which `task-loss-requirement` is called `taskLossRequirement`
 * here; Python checks what they are set to.
 * @module
 */

/**
 * @typedef {object} Settings
 * @property {number | string} taskLossRequirement a frame stops once the loss predicted is at most this; can be
 *   set as "20dB", which is 0.1, or "off"
 * @property {number} maxGazeTokensEachFrame most tokens of a frame; 0 leaves it to the model
 * @property {number} topK the limit of tokens is never below this
 * @property {"realtime" | "tiled" | "full-resolution"} mode how the model sees a frame
 * @property {number} tileStride pixels from one tile to the next in full-resolution
 * @property {number} tileBatchSize tiles after which progress is told
 * @property {number} framesPerClip frames that the model sees at once, the newest included
 * @property {number} coverageStop share of the frame at which the cells are enough, 0 for no such stop
 * @property {number} patchDiffThreshold
 * @property {number} patchDiffGrid
 * @property {"interframe" | "full-blend"} visualizationMode what the output panel shows
 * @property {number} keyframeDuration a whole frame every so many; 0 for the first only
 * @property {number} blendAlpha weight of the colours, 0 to 1
 * @property {"image-mask-only" | "image-overlay" | "overlay" | "scale-rows"} maskVisualization
 * @property {"native" | "deduplicated" | "effective"} maskGeometry
 * @property {number} maskCellScale factor of the cells' sides
 * @property {string} hiddenScales grids left out of the mask, such as "2+4", or "none"
 * @property {"standard" | "colour-blind-safe"} palette colours of the mask panel
 */

export {};
