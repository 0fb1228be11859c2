/**
 * A picture or video from an address in the options (`image-url`, `video-url`).
 *
 * Its bytes are fetched and shown from memory, never by an <img> or <video> that points elsewhere. So the
 * page's Content-Security-Policy need not allow pictures or media of other hosts: the address of such a
 * request could carry pixels away, and "frames never leave this machine" is a promise that the browser
 * should hold for us. Which hosts may be asked is `connect-src`: this site, and those that have the model.
 * Who publishes the page can add hosts there; a link cannot.
 * @module
 */

const LARGEST = 512e6;

/**
 * @param {string} address relative to the page, or absolute
 * @param {AbortSignal} signal
 * @returns {Promise<File>}
 * @throws {Error} with a sentence for the user
 */
export async function fetchFile(address, signal) {
  const url = addressOf(address);
  const name = fileNameOf(url);
  const refused = watchPolicy(url);
  try {
    const response = await fetch(url, { signal, credentials: "omit", referrerPolicy: "no-referrer" });
    if (!response.ok) throw new Error(`"${address}" is not there (${response.status}): check the address.`);
    const parts = await readAtMost(response, LARGEST);
    if (!parts) throw new Error(`"${name}" is larger than ${LARGEST / 1e6} MB: download it and open a part.`);
    return new File(parts, name, { type: response.headers.get("content-type") ?? "" });
  } catch (error) {
    if (signal.aborted || !(error instanceof TypeError)) throw error;
    if (await refused.seen()) {
      throw new Error(`This page does not load from ${url.host}: download the file and open it here.`);
    }
    throw new Error(
      `"${address}" could not be fetched: its host is out of reach, or does not share it with other sites. ` +
        "Download the file and open it here.",
    );
  } finally {
    refused.stop();
  }
}

/**
 * Names may have colons and percent signs: a file `clip:2.mp4` is no address of a scheme `clip`, and a percent sign
 * that stands for itself is written as `%25`.
 * @param {string} address relative to the page, or absolute
 */
export function addressOf(address) {
  const escaped = address.replace(/%(?![0-9a-f]{2})/gi, "%25");
  const url = URL.parse(escaped, document.baseURI);
  return url && /^https?:$/.test(url.protocol) ? url : new URL(`./${escaped}`, document.baseURI);
}

/** @param {URL} url */
export function fileNameOf(url) {
  const name = url.pathname.split("/").at(-1) || url.hostname;
  try {
    return decodeURIComponent(name);
  } catch {
    return name; // its bytes are no UTF-8
  }
}

/**
 * @param {Response} response
 * @param {number} limit in bytes
 * @returns {Promise<Uint8Array<ArrayBuffer>[] | null>} null if there is more than that
 */
async function readAtMost(response, limit) {
  if (Number(response.headers.get("content-length")) > limit) return null;
  const parts = [];
  let bytes = 0;
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    bytes += part.value.length;
    if (bytes > limit) {
      reader?.cancel();
      return null;
    }
    parts.push(part.value);
  }
  return parts;
}

/**
 * Whether the page's policy forbids a request: the request itself only says that it failed, and the event
 * that says why comes a little later.
 * @param {URL} url
 */
function watchPolicy(url) {
  let refused = false;
  const note = (/** @type {SecurityPolicyViolationEvent} */ { blockedURI }) => {
    if (blockedURI.startsWith(url.origin)) refused = true;
  };
  document.addEventListener("securitypolicyviolation", note);
  return {
    async seen() {
      for (let waited = 0; waited < 5 && !refused; waited++) await new Promise((go) => setTimeout(go, 20));
      return refused;
    },
    stop: () => document.removeEventListener("securitypolicyviolation", note),
  };
}
