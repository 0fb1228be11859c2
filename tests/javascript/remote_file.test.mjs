import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { addressOf, fetchFile, fileNameOf } from "../../web/sources/remote_file.mjs";

const { signal } = new AbortController();

describe("fetchFile", () => {
  /** @param {() => Response | Promise<Response>} respond */
  function answer(respond) {
    /** @type {URL[]} */
    const asked = [];
    globalThis.fetch = async (url) => {
      asked.push(/** @type {URL} */ (url));
      return respond();
    };
    return asked;
  }

  test("is a file of the name in the address and the type that the server says", async () => {
    const asked = answer(() => new Response("picture", { headers: { "content-type": "image/png" } }));
    const file = await fetchFile("../pictures/a%20b.png?x=1", signal);
    assert.deepEqual([file.name, file.type, await file.text()], ["a b.png", "image/png", "picture"]);
    assert.equal(asked[0]?.href, "https://page.example/pictures/a%20b.png?x=1");
  });

  test("names may have colons, percent signs, spaces and other scripts", () => {
    for (const [address, path, name] of /** @type {[string, string, string][]} */ ([
      ["./100%.mp4", "/folder/100%25.mp4", "100%.mp4"],
      ["./100%25.mp4", "/folder/100%25.mp4", "100%.mp4"],
      ["2026-11-28T12:30:00.mp4", "/folder/2026-11-28T12:30:00.mp4", "2026-11-28T12:30:00.mp4"],
      ["clip:2.mp4", "/folder/clip:2.mp4", "clip:2.mp4"],
      ["Größe 東京.mp4", "/folder/Gr%C3%B6%C3%9Fe%20%E6%9D%B1%E4%BA%AC.mp4", "Größe 東京.mp4"],
      ["/caf%E9.mp4", "/caf%E9.mp4", "caf%E9.mp4"],
      ["https://media.example/", "/", "media.example"],
    ])) {
      const url = addressOf(address);
      assert.deepEqual([url.pathname, fileNameOf(url)], [path, name]);
    }
  });

  test("a missing file says so", async () => {
    answer(() => new Response("", { status: 404 }));
    await assert.rejects(fetchFile("./a.png", signal), {
      message: '"./a.png" is not there (404): check the address.',
    });
  });

  test("a file that is too large is not read to its end", async () => {
    let cancelled = false;
    let sent = 0;
    const chunk = new Uint8Array(64e6);
    answer(() => {
      const body = new ReadableStream({
        pull: (controller) => {
          sent += chunk.length;
          controller.enqueue(chunk);
        },
        cancel: () => {
          cancelled = true;
        },
      });
      return new Response(body);
    });
    await assert.rejects(fetchFile("./large.webm", signal), {
      message: /^"large.webm" is larger than 512 MB/,
    });
    assert(cancelled);
    assert(sent < 1e9);
    answer(() => new Response("x", { headers: { "content-length": "600000000" } }));
    await assert.rejects(fetchFile("./large.webm", signal), { message: /is larger than 512 MB/ });
  });

  test("a host out of reach is told from one that the page's policy forbids", async () => {
    answer(() => Promise.reject(new TypeError("Failed to fetch")));
    await assert.rejects(fetchFile("https://far.example/a.png", signal), {
      message: /could not be fetched: its host/,
    });
    answer(() => {
      const event = Object.assign(new Event("securitypolicyviolation"), {
        blockedURI: "https://far.example/a.png",
      });
      setTimeout(() => globalThis.document.dispatchEvent(event), 5);
      return Promise.reject(new TypeError("Failed to fetch"));
    });
    await assert.rejects(fetchFile("https://far.example/a.png", signal), {
      message: "This page does not load from far.example: download the file and open it here.",
    });
  });

  test("a request that was aborted fails with its own reason", async () => {
    const cancel = new AbortController();
    answer(() => {
      cancel.abort();
      return Promise.reject(cancel.signal.reason);
    });
    await assert.rejects(fetchFile("./a.png", cancel.signal), { name: "AbortError" });
  });
});
