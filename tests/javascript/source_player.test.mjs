import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";
import { SourcePlayer } from "../../web/sources/source_player.mjs";

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("SourcePlayer", () => {
  /** @type {any[]} */
  let sent;
  /** @type {string[]} */
  let states;
  /** @type {string[]} */
  let problems;
  let streams = 0;
  /** @type {Record<string, any>} */
  let values;
  /** @type {SourcePlayer} */
  let player;

  beforeEach(() => {
    mock.timers.enable({ apis: ["setInterval"] });
    [sent, states, problems, streams] = [[], [], [], 0];
    values = { source: "synthetic-pan", "inference-width": 64, "inference-height": "auto" };
    const view = /** @type {any} */ ({
      newStream: () => streams++,
      send: (/** @type {any} */ frame) => sent.push(frame),
    });
    player = new SourcePlayer(view, /** @type {any} */ ({}), values);
    player.onState = (state) => states.push(state);
    player.onProblem = (sentence) => problems.push(sentence);
  });
  afterEach(() => {
    player.close();
    mock.timers.reset();
  });

  async function tick() {
    mock.timers.tick(34);
    await settled();
  }

  test("sends nothing before the worker is there, then frame after frame in the wanted size", async () => {
    await player.open("synthetic-pan");
    await tick();
    assert.deepEqual(sent, []);
    player.workerReady();
    await settled();
    player.frameDone();
    await tick();
    assert.deepEqual(
      sent.map(({ synthetic, index, width, height }) => [synthetic, index, width, height]),
      [
        ["synthetic-pan", 0, 64, 36],
        ["synthetic-pan", 1, 64, 36],
      ],
    );
    assert.deepEqual(states, ["stopped", "opening", "running"]);
  });

  test("a frame in work is not overtaken, and newer ones replace each other", async () => {
    await player.open("synthetic-pan");
    player.workerReady();
    await settled();
    for (let ticks = 0; ticks < 5; ticks++) await tick();
    assert.equal(sent.length, 1);
    assert.equal(player.replaced, 4);
    player.frameDone();
    await settled();
    assert.equal(sent.length, 2);
  });

  test("pausing stops the frames, toggling goes on with the next one", async () => {
    await player.open("synthetic-pan");
    player.workerReady();
    await settled();
    player.frameDone();
    await player.toggle();
    assert.equal(player.state, "paused");
    await tick();
    assert.equal(sent.length, 1);
    await player.toggle();
    await tick();
    assert.deepEqual([player.state, sent.length, sent[1].index], ["running", 2, 1]);
  });

  test("another source begins another stream, at its first frame", async () => {
    await player.open("synthetic-pan");
    player.workerReady();
    await settled();
    const before = streams;
    values.source = "synthetic-pulse";
    player.optionsChanged(["source"], true);
    await settled();
    assert(streams > before);
    assert.deepEqual([sent.at(-1).synthetic, sent.at(-1).index], ["synthetic-pulse", 0]);
    assert.equal(player.name, "synthetic-pulse");
  });

  test("only an option that its source is opened with opens it again", async () => {
    await player.open("synthetic-pan");
    const before = streams;
    player.optionsChanged(["blend-alpha"], false);
    assert.equal(streams, before);
    player.optionsChanged(["camera-width"], true);
    assert(streams > before);
  });

  test("files and pictures wait for a choice", async () => {
    for (const name of ["file", "image"]) {
      await player.open(name);
      assert.equal(player.state, "needs-file");
    }
    assert.deepEqual(problems, []);
  });

  test("a source that fails to open is reported, and none runs", async () => {
    values["video-url"] = "./missing.webm";
    globalThis.fetch = async () => new Response("no", { status: 404 });
    await player.open("file");
    assert.deepEqual(problems, ['"./missing.webm" is not there (404): check the address.']);
    assert.equal(player.state, "stopped");
  });

  test("a source chosen while another opens is the only one that runs", async () => {
    values["video-url"] = "./slow.webm";
    /** @type {(response: Response) => void} */
    let answer = () => {};
    globalThis.fetch = () => new Promise((resolve) => (answer = resolve));
    const slow = player.open("file");
    await player.open("synthetic-pan");
    answer(new Response("no", { status: 404 }));
    await slow;
    assert.deepEqual([player.state, player.name, problems], ["running", "synthetic-pan", []]);
  });

  test("with another worker the source goes on where it was", async () => {
    await player.open("synthetic-pan");
    player.workerReady();
    await settled();
    player.workerLost();
    await tick();
    assert.equal(sent.length, 1);
    player.workerReady();
    await settled();
    assert.deepEqual([sent.length, sent[1].index], [2, 1]);
  });
});
