/**
 * Example functions by name.
 * @module
 */

/** @type {Record<string, string>} */
export const EXAMPLES = {
  "Invert outside the mask": `def on_frame(frame, trace, output):
    output[:] = frame
    rest = ~trace.mask
    output[rest, :3] = 255 - frame[rest, :3]
`,
  "Heat map of what changes": `import numpy as np

heat = None

def on_frame(frame, trace, output):
    global heat
    if heat is None or heat.shape != trace.mask.shape:
        heat = np.zeros(trace.mask.shape, np.float32)
    heat *= 0.95
    heat[trace.mask] += 0.05
    output[..., 0] = 255 * heat
    output[..., 1] = frame[..., 1] // 3
    output[..., 2] = 255 * (1 - heat) * 0.3
`,
  "Order of the tokens": `def on_frame(frame, trace, output):
    # The first cells that were chosen are bright, the last ones dark.
    output[..., :3] = frame[..., :3] // 4
    count = len(trace.rectangles)
    for order, (y0, x0, y1, x1) in enumerate(trace.rectangles):
        output[y0:y1, x0:x1, :3] = 255 - 200 * order // count
    if trace.index % 30 == 0:
        print(trace.index, "tokens:", trace.tokens[:12])
`,
  "Token numbers": `import numpy as np

# Digits of 3 x 5 pixels, a row in 3 bits.
FONT = ["75557", "26227", "71747", "71317", "55711", "74717", "74757", "71111", "75757", "75717"]
ROWS = np.array([[[int(row) >> (2 - bit) & 1 for bit in range(3)] for row in digit] for digit in FONT], bool)

def on_frame(frame, trace, output):
    output[..., :3] = frame[..., :3] // 2
    for token, (y0, x0, y1, x1) in zip(trace.tokens, trace.rectangles):
        for place, digit in enumerate(str(token)):
            part = output[y0 + 2:y0 + 7, x0 + 2 + 4 * place:x0 + 5 + 4 * place, :3]
            part[ROWS[int(digit)][:part.shape[0], :part.shape[1]]] = 255
`,
};
