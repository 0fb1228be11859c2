/**
 * Says why the page did not start, where its modules cannot: a server that sends .mjs files with a wrong type, a file
 * that is missing, a browser without modules. It is no module, so that it runs in all of these cases.
 */

addEventListener("load", async () => {
  if ("started" in document.documentElement.dataset) return;
  const notice = document.getElementById("notice");
  const text = document.getElementById("notice-text");
  if (!notice || !text) return;
  let sentence = "The page did not start: reload it, or use a current Chrome, Edge, Firefox or Safari.";
  try {
    const { ok, status, headers } = await fetch("web/main.mjs", { method: "HEAD" });
    const type = (headers.get("content-type") ?? "no type").split(";")[0] ?? "";
    if (!ok) sentence = `The page did not start: web/main.mjs is missing (${status}).`;
    else if (!/javascript|ecmascript/i.test(type))
      sentence = `The page did not start: its server sends .mjs files as "${type}". They have to be sent as text/javascript (docs/build.md says how).`;
  } catch {
    // The server is out of reach: the general sentence holds.
  }
  const loading = document.getElementById("loading");
  if (loading) loading.hidden = true;
  text.textContent = sentence;
  notice.hidden = false;
});
