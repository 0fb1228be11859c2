import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { WorkingSize } from "../../web/sources/working_size.mjs";

const FULL_HD = /** @type {const} */ ([1920, 1080]);
const CAMERA_MS = 1000 / 30;
/** Frames that show for certain whether a size is kept. */
const LONG = 200;

/** @typedef {import("../../web/sources/working_size.mjs").Shown} Shown */

/** A source of a size whose frames take some time, played into a working size. */
class Played {
  working = new WorkingSize();
  /** @type {readonly [number, number]} */
  own = FULL_HD;
  interval = CAMERA_MS;
  now = 0;
  /** Milliseconds of a frame of this many pixels. @type {(pixels: number) => number} */
  cost = () => 1;
  /** @type {Partial<Shown["report"]>} */
  report = { pixels: "gpu" };
  /** The changes, as their new sizes. @type {string[]} */
  changes = [];

  get size() {
    const { width, height } = this.working.size(...this.own);
    return `${Math.round(width)}x${Math.round(height)}`;
  }

  /**
   * @param {number} frames
   * @param {boolean} [counts]
   */
  play(frames, counts) {
    for (let i = 0; i < frames; i++) {
      this.now += this.interval;
      this.working.offered(this.now);
      const { width, height } = this.working.size(...this.own);
      const change = this.working.shown(
        { report: this.report, milliseconds: this.cost(width * height) },
        counts,
      );
      if (change) this.changes.push(`${Math.round(change.to.width)}x${Math.round(change.to.height)}`);
    }
    return this;
  }
}

/** @param {Partial<Played>} how */
function played(how) {
  return Object.assign(new Played(), how);
}

/** Milliseconds that are in proportion to the pixels. @param {number} atFullHd */
function perPixel(atFullHd) {
  return (/** @type {number} */ pixels) => (atFullHd * pixels) / (1920 * 1080);
}

describe("WorkingSize", () => {
  test("is 640 wide on the processor, however slow or fast", () => {
    for (const [milliseconds, own, size] of /** @type {[number, [number, number], string][]} */ ([
      [1, [1920, 1080], "640x360"],
      [500, [1920, 1080], "640x360"],
      [1, [320, 240], "640x480"],
      [1, [1080, 1920], "640x1138"],
    ])) {
      const run = played({ own, cost: () => milliseconds, report: { pixels: "cpu" } }).play(LONG);
      assert.deepEqual([run.size, run.changes, run.working.isLarge], [size, [], false]);
    }
  });

  test("is the source's own on the graphics card, up to 1920x1080 whichever way it is turned", () => {
    for (const [own, size] of /** @type {[[number, number], string][]} */ ([
      [[1920, 1080], "1920x1080"],
      [[3840, 2160], "1920x1080"],
      [[2160, 3840], "1080x1920"],
      [[1280, 800], "1280x800"],
      [[320, 180], "320x180"],
      [[4000, 1000], "1920x480"],
      [[2000, 2000], "1080x1080"],
    ])) {
      const run = played({ own });
      run.play(1);
      assert.deepEqual([run.size, run.working.isLarge], [size, true]);
      run.play(LONG);
      assert.deepEqual([run.size, run.changes], [size, []]);
    }
  });

  test("falls step by step until frames take no longer than the source's pictures, and stays there", () => {
    const run = played({ cost: perPixel(100) }).play(2 * LONG);
    assert.deepEqual([run.changes, run.size], [["1280x720", "960x540"], "960x540"]);
    run.cost = () => 1;
    run.play(10 * LONG);
    assert.equal(run.size, "960x540", "it rises again only with another source");
  });

  test("keeps the shape, and skips steps that are no smaller than the source", () => {
    const upright = played({ own: [720, 1280], cost: perPixel(200) }).play(LONG);
    assert.deepEqual(upright.changes, ["540x960", "360x640"]);
    const small = played({ own: [320, 180], cost: () => 500 }).play(LONG);
    assert.deepEqual([small.changes, small.size], [[], "320x180"]);
  });

  test("the lowest step is the last", () => {
    const run = played({ cost: perPixel(5000) }).play(10 * LONG);
    assert.deepEqual(run.changes, ["1280x720", "960x540", "640x360"]);
  });

  test("does not fall for what takes as long at any size", () => {
    const run = played({ cost: () => 50 }).play(10 * LONG);
    assert.deepEqual(run.changes, ["1280x720"]);
  });

  test("does not fall for a few slow frames, nor for one slow second", () => {
    const run = played({}).play(LONG);
    for (let i = 0; i < 20; i++) {
      run.cost = () => 300;
      run.play(15);
      run.cost = () => 1;
      run.play(30);
    }
    assert.deepEqual(run.changes, []);
  });

  test("goes by the source's interval, of which the shortest counts, up to sixty a second", () => {
    for (const [interval, changes] of /** @type {[number, string[]][]} */ ([
      [1000 / 15, []],
      [1000 / 60, ["1280x720", "960x540"]],
      [1000 / 240, ["1280x720", "960x540"]],
    ])) {
      assert.deepEqual(played({ interval, cost: perPixel(50) }).play(2 * LONG).changes, changes);
    }
    const overloaded = played({ cost: perPixel(30) }).play(LONG);
    overloaded.cost = perPixel(45);
    overloaded.interval = 50; // the browser announces what it has time for
    overloaded.play(LONG);
    assert.deepEqual(overloaded.changes, ["1280x720"]);
  });

  test("a model that every frame waits for leaves the pixels at least half of the interval", () => {
    const waits = (/** @type {number} */ model, /** @type {"own" | "newest"} */ maskTiming) =>
      played({
        cost: (pixels) => perPixel(10)(pixels) + (maskTiming === "own" ? model : 0),
        report: { pixels: "gpu", maskTiming, gazeStageMs: { model } },
      }).play(LONG).changes;
    assert.deepEqual(waits(60, "own"), []);
    assert.deepEqual(waits(60, "newest"), []);
    const together = played({
      cost: (pixels) => perPixel(25)(pixels) + 12,
      report: { pixels: "gpu", maskTiming: "own", gazeStageMs: { model: 12 } },
    }).play(LONG);
    assert.deepEqual(together.changes, ["1280x720"]);
  });

  test("does not change while it is held, and is measured anew afterwards", () => {
    const run = played({ cost: perPixel(100) });
    run.play(1);
    run.working.hold(true);
    run.play(LONG);
    run.report = { pixels: "cpu" };
    run.play(LONG);
    assert.equal(run.size, "1920x1080");
    run.report = { pixels: "gpu" };
    run.working.hold(false);
    run.play(20);
    assert.deepEqual([run.changes, run.size], [[], "1920x1080"]);
    run.play(LONG);
    assert.equal(run.changes[0], "1280x720");
  });

  test("frames that do not count, and those after an interruption, decide nothing", () => {
    const run = played({ cost: perPixel(100) });
    run.play(LONG, false);
    for (let i = 0; i < 20; i++) {
      run.play(30);
      run.working.interrupt();
    }
    run.working.interrupt(LONG);
    run.play(LONG);
    assert.deepEqual(run.changes, []);
  });

  test("a short interruption does not end a long one, but what it was for can be over", () => {
    const run = played({ cost: perPixel(100) });
    run.play(1);
    run.working.interrupt(LONG);
    run.working.interrupt();
    run.play(LONG);
    assert.deepEqual(run.changes, []);
    run.working.interrupt(10 * LONG);
    run.working.settle();
    run.play(LONG);
    assert.notDeepEqual(run.changes, []);
  });

  test("another source starts one step higher, and falls again if that is too much", () => {
    const run = played({ cost: perPixel(300) }).play(2 * LONG);
    assert.equal(run.size, "640x360");
    run.working.newSource();
    assert.equal(run.size, "960x540");
    run.play(LONG);
    assert.equal(run.size, "640x360");
    for (let i = 0; i < 5; i++) run.working.newSource();
    assert.equal(run.size, "1920x1080");
  });

  test("follows the pixels to the processor and back, to smaller frames only after a failure", () => {
    const run = played({}).play(1);
    run.report = { pixels: "cpu" };
    run.play(1);
    assert.equal(run.size, "640x360");
    run.report = { pixels: "gpu" };
    run.play(1);
    assert.equal(run.size, "1920x1080");
    for (const size of ["1280x720", "960x540", "640x360", "640x360"]) {
      run.report = { pixels: "cpu", pixelsFailure: "out of memory" };
      run.play(1);
      run.report = { pixels: "gpu" };
      run.play(1);
      assert.equal(run.size, size);
    }
  });
});
