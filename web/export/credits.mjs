/**
 * What exported pictures and recordings say of themselves.
 * @module
 */

/** The page's title and its address, without settings. No file's name: it may be private. */
export function credits() {
  const { host, pathname } = location;
  const address = `${host}${pathname.replace(/index\.html$/, "")}`.replace(/\/$/, "");
  return { title: document.title, address };
}
