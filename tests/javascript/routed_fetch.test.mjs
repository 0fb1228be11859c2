import assert from "node:assert/strict";
import { after, beforeEach, describe, mock, test } from "node:test";
import { routedFetch, routeTo, useRoute } from "../../wasm_bridge/calls/routed_fetch.mjs";

const OTHER = "https://models.example";

/** Closed at the end, or Node would wait for their messages. @type {MessagePort[]} */
const opened = [];

/** The frame's window: what the page posts to it arrives as an event, from the page or from somebody else. */
const frame = new EventTarget();
const page = {};
const documentElement = { dataset: /** @type {Record<string, string>} */ ({}) };
Object.assign(document, { documentElement });
Object.assign(globalThis, { parent: page, addEventListener: frame.addEventListener.bind(frame) });
await import("../../web/model/other_hosts_frame.mjs");

/** @param {string[]} origins  @param {object} [from] */
function openRoute(origins, from = {}) {
  const { port1, port2 } = new MessageChannel();
  opened.push(port1);
  const sent = { source: page, origin: location.origin, data: { origins }, ports: [port2], ...from };
  frame.dispatchEvent(Object.assign(new Event("message"), sent));
  return { origins, port: port1 };
}

describe("requests to other hosts", () => {
  const requests = mock.method(globalThis, "fetch", async () => new Response("from the network"));

  beforeEach(() => requests.mock.resetCalls());
  after(() => {
    for (const port of opened) port.close();
  });

  const asked = () => requests.mock.calls.map(({ arguments: [url, init] }) => [String(url), init]);

  test("a file comes through the frame, without a referrer or credentials, as it is", async () => {
    useRoute(openRoute([OTHER]));
    const bytes = new Uint8Array(300_000).map((_, at) => at % 251);
    requests.mock.mockImplementationOnce(
      async () => new Response(new Blob([bytes]), { status: 206, headers: { etag: '"1"' } }),
    );
    const response = await routedFetch(`${OTHER}/m.safetensors`, { headers: { range: "bytes=5-" } });
    assert.deepEqual([response.status, response.headers.get("etag")], [206, '"1"']);
    assert.deepEqual(new Uint8Array(await response.arrayBuffer()), bytes);
    const [[url, init] = []] = asked();
    assert.equal(url, `${OTHER}/m.safetensors`);
    const { headers, credentials, referrerPolicy } = /** @type {any} */ (init);
    assert.deepEqual([headers, credentials, referrerPolicy], [{ range: "bytes=5-" }, "omit", "no-referrer"]);
  });

  test("other origins are fetched without the frame", async () => {
    useRoute(openRoute([OTHER]));
    assert.equal(await (await routedFetch("https://page.example/a")).text(), "from the network");
    assert.equal(routeTo("https://page.example/graphs/"), undefined);
  });

  test("an answer without a body and a host that is out of reach end as with fetch", async () => {
    useRoute(openRoute([OTHER]));
    requests.mock.mockImplementationOnce(async () => new Response(null, { status: 304 }));
    assert.equal((await routedFetch(`${OTHER}/a`)).status, 304);
    requests.mock.mockImplementationOnce(async () => {
      throw new TypeError("Failed to fetch");
    });
    await assert.rejects(routedFetch(`${OTHER}/a`), TypeError);
  });

  test("an aborted request ends in the frame, too", async () => {
    useRoute(openRoute([OTHER]));
    const stop = new AbortController();
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(9)) });
    requests.mock.mockImplementationOnce(async () => new Response(endless));
    const reader = (await routedFetch(`${OTHER}/a`, { signal: stop.signal })).body?.getReader();
    assert.equal((await reader?.read())?.value?.length, 9);
    stop.abort(new Error("stopped"));
    await assert.rejects(async () => await reader?.read(), { message: "stopped" });
    const [[, init] = []] = asked();
    const { signal } = /** @type {{ signal: AbortSignal }} */ (init);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
  });

  test("another worker's route leads to the same hosts and to no others", async () => {
    useRoute(openRoute([OTHER]));
    const route = routeTo(`${OTHER}/graphs/`);
    assert(route);
    opened.push(route.port);
    // The other worker believes that the frame may contact one more host.
    useRoute({ origins: [OTHER, "https://third.example"], port: route.port });
    assert.equal(await (await routedFetch(`${OTHER}/graphs/a.onnx`)).text(), "from the network");
    const sent = requests.mock.callCount();
    await assert.rejects(routedFetch("https://third.example/"), /did not agree/);
    assert.equal(requests.mock.callCount(), sent);
  });

  test("the frame obeys the page around it alone", async () => {
    for (const from of [{ source: {} }, { origin: "https://evil.example" }]) {
      const { port } = openRoute([OTHER], from);
      const { port2 } = new MessageChannel();
      port.postMessage({ url: `${OTHER}/a`, headers: {} }, [port2]);
      port2.close();
    }
    useRoute(openRoute([OTHER]));
    await (await routedFetch(`${OTHER}/asked-by-the-page`)).text();
    assert.deepEqual(
      asked().map(([url]) => url),
      [`${OTHER}/asked-by-the-page`],
    );
  });
});
