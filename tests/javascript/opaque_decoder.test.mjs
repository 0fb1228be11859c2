import assert from "node:assert/strict";
import { before, beforeEach, describe, test } from "node:test";
import { registerOpaqueDecoder, supportedConfig, withColours } from "../../web/sources/opaque_decoder.mjs";

/** Decodes each chunk once the test lets it. */
class FakeDecoder extends EventTarget {
  static supported = /^vp09\.00\.(62|10)\./;
  static instance = /** @type {FakeDecoder | undefined} */ (undefined);
  state = "unconfigured";
  /** @type {any[]} */
  queue = [];

  /** @param {any} config */
  static async isConfigSupported({ codec }) {
    if (codec === "?") throw new TypeError("no codec");
    return { supported: FakeDecoder.supported.test(codec) };
  }

  /** @param {any} callbacks */
  constructor(callbacks) {
    super();
    this.callbacks = callbacks;
    FakeDecoder.instance = this;
  }

  get decodeQueueSize() {
    return this.queue.length;
  }

  /** @param {any} config */
  configure(config) {
    this.config = config;
    this.state = "configured";
  }

  /** @param {any} chunk */
  decode(chunk) {
    if (chunk === "refused") throw new TypeError("a key frame is required");
    this.queue.push(chunk);
  }

  /** What a browser does at data that it cannot decode. */
  fail() {
    this.state = "closed";
    const error = new DOMException("Decoding error.", "EncodingError");
    this.callbacks.error(error);
    throw error;
  }

  async flush() {
    if (this.queue.includes("damaged")) this.fail();
    for (const chunk of this.queue.splice(0)) this.callbacks.output(chunk);
    this.dispatchEvent(new Event("dequeue"));
  }

  close() {
    this.state = "closed";
  }
}

describe("the decoder of videos with an alpha layer", () => {
  /** @type {any} */
  let Decoder;

  before(() => {
    Object.assign(globalThis, { VideoDecoder: FakeDecoder });
    const library = {
      registerDecoder: (/** @type {any} */ decoder) => (Decoder = decoder),
      CustomVideoDecoder: class {},
      VideoSample: class {
        constructor(/** @type {any} */ frame) {
          this.frame = frame;
        }
      },
    };
    registerOpaqueDecoder(/** @type {any} */ (library));
    registerOpaqueDecoder(/** @type {any} */ (null)); // only once
  });

  test("takes a level that there is for one that there is not", async () => {
    const codecOf = async (/** @type {string} */ codec) => (await supportedConfig({ codec }))?.codec;
    assert.equal(await codecOf("vp09.00.10.08"), "vp09.00.10.08");
    assert.equal(await codecOf("vp09.00.00.08.00"), "vp09.00.62.08.00");
    assert.equal(await codecOf("vp09.03.10.08"), undefined);
    assert.equal(await codecOf("?"), undefined);
  });

  test("colours that a file does not name are those of a <video>", () => {
    /** @param {string} codec @param {number} codedHeight @param {any} [colorSpace] */
    const matrix = (codec, codedHeight, colorSpace) =>
      withColours({ codec, codedHeight, ...(colorSpace && { colorSpace }) }).colorSpace?.matrix;
    assert.equal(matrix("avc1.64001f", 719), "smpte170m");
    assert.equal(matrix("avc1.64001f", 720), "bt709");
    assert.equal(matrix("vp09.00.10.08", 1080), "smpte170m");
    assert.equal(matrix("av01.0.04M.08", 1080), "smpte170m");
    assert.equal(matrix("avc1.64001f", 240, { matrix: "bt709" }), "bt709");
    const named = withColours({ codec: "avc1.64001f", codedHeight: 240, colorSpace: { fullRange: true } });
    assert.equal(named.colorSpace?.fullRange, true);
  });

  test("decodes the colours alone, some packets ahead", async () => {
    assert.deepEqual(
      ["vp8", "vp9", "avc"].map((codec) => Decoder.supports(codec)),
      [true, true, false],
    );
    /** @type {any[]} */
    const samples = [];
    const decoder = new Decoder();
    Object.assign(decoder, {
      config: { codec: "vp09.00.00.08" },
      onSample: (/** @type {any} */ sample) => samples.push(sample),
    });
    await decoder.init();
    assert.equal(FakeDecoder.instance?.config.codec, "vp09.00.62.08");
    const packet = (/** @type {number} */ number) => ({ toEncodedVideoChunk: () => number });
    for (let number = 0; number < 8; number++) await decoder.decode(packet(number));
    let waiting = true;
    const last = decoder.decode(packet(8)).then(() => (waiting = false));
    await new Promise(setImmediate);
    assert(waiting, "the queue is full");
    await decoder.flush();
    await last;
    assert.deepEqual(
      samples.map(({ frame }) => frame),
      [0, 1, 2, 3, 4, 5, 6, 7, 8],
    );
    decoder.close();
    decoder.close();
    await decoder.decode(packet(9));
    await decoder.flush();
    assert.equal(samples.length, 9);
  });

  describe("of a damaged file", () => {
    /** @type {Error[]} */
    let errors;
    /** @type {any} */
    let decoder;
    const packet = (/** @type {string} */ chunk) => ({ toEncodedVideoChunk: () => chunk });

    beforeEach(async () => {
      errors = [];
      decoder = new Decoder();
      Object.assign(decoder, {
        config: { codec: "vp09.00.10.08" },
        onSample: () => {},
        onError: (/** @type {Error} */ error) => errors.push(error),
      });
      await decoder.init();
    });

    test("reports the damage without a rejected call, which would reject that which closes it", async () => {
      await decoder.decode(packet("damaged"));
      await decoder.flush();
      assert.match(String(errors[0]), /Decoding error/);
      decoder.close();
    });

    test("reports what is refused at once", async () => {
      await decoder.decode(packet("refused"));
      assert.match(String(errors), /a key frame is required/);
      decoder.close();
      assert.equal(FakeDecoder.instance?.state, "closed");
    });

    test("waits no longer for a decoder that failed", async () => {
      for (let index = 0; index < 8; index++) await decoder.decode(packet("whole"));
      const last = decoder.decode(packet("damaged"));
      await new Promise(setImmediate);
      assert.throws(() => FakeDecoder.instance?.fail());
      await last;
      assert.equal(errors.length, 1);
    });
  });
});
