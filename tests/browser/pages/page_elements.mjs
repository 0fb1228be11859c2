/**
 * What the page's elements show, and what a user does with them.
 * @module
 */

import { pageParts, pixelsOf } from "./live_frames.mjs";

/**
 * Drags, drops or pastes a file.
 * @param {"dragenter" | "drop" | "paste"} kind
 * @param {string} name
 * @param {string} type
 * @param {string} content in Base64
 */
export function offerFile(kind, name, type, content) {
  const data = new DataTransfer();
  data.items.add(fileOf(name, type, content));
  const how = { bubbles: true, cancelable: true };
  document.body.dispatchEvent(
    kind === "paste"
      ? new ClipboardEvent("paste", { ...how, clipboardData: data })
      : new DragEvent(kind, { ...how, dataTransfer: data }),
  );
}

/**
 * Opens a file as if it had been chosen.
 * @param {string} name
 * @param {string} type
 * @param {string} content in Base64
 * @param {number} [padding] zeros after it
 */
export function openFile(name, type, content, padding = 0) {
  pageParts().player.openFile(
    new File([fileOf(name, type, content), new Uint8Array(padding)], name, { type }),
  );
}

/** Opens a black picture of a size. @param {string} name @param {number} width @param {number} height */
export async function openBlackPicture(name, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d")?.fillRect(0, 0, 9, 9);
  const file = new File([await canvas.convertToBlob()], name, { type: "image/png" });
  pageParts().player.openFile(file);
}

/** @param {string} name @param {string} type @param {string} content */
function fileOf(name, type, content) {
  return new File([Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))], name, { type });
}

/** Presses the button for the next frame, and returns the number of the frame from which the step was made. */
export function stepForward() {
  document.getElementById("step-forward")?.click();
  return pageParts().player.playback?.index;
}

/**
 * Waits until the input panel's pixel has this red and blue, nearly.
 * @param {number} x
 * @param {number} y
 * @param {[red: number, blue: number]} colour
 */
export function waitColour(x, y, [red, blue]) {
  return poll(() => {
    const { data, width } = pixelsOf("input");
    const [r = 0, , b = 0] = data.subarray(4 * (y * width + x));
    return Math.abs(r - red) < 12 && Math.abs(b - blue) < 12;
  });
}

/** Waits until the mask panel shows a cell, or none. @param {boolean} lit */
export function waitLit(lit) {
  return poll(() => {
    const { data } = pixelsOf("mask");
    return data.some((value, index) => index % 4 < 3 && value > 0) === lit;
  });
}

/** Waits until the mask panel's first pixel has this colour. @param {number[]} colour RGB */
export function waitFirstMaskPixel(colour) {
  return poll(() => [...pixelsOf("mask").data.subarray(0, 3)].join() === colour.join());
}

/** @param {() => boolean} condition */
async function poll(condition) {
  while (!condition()) await new Promise((resolve) => requestAnimationFrame(resolve));
}

/** What is seen of each option's row in the panel of settings, and the state of its control, by option. */
export function settingRows() {
  const rows = [...document.querySelectorAll(".setting")].map((row) => {
    const control = /** @type {HTMLInputElement} */ (row.querySelector("select, input"));
    const { value, checked } = control;
    const label = row.querySelector("label")?.innerText;
    const text = /** @type {HTMLElement} */ (row).innerText;
    return [control.id.replace("setting-", ""), { label, text, value, checked }];
  });
  return Object.fromEntries(rows);
}

/** Name, text and share of each bar of a list. @param {string} id */
export function bars(id) {
  return [...document.querySelectorAll(`#${id} dt`)].map((name) => {
    const value = name.nextElementSibling;
    const text = value?.querySelector(".numbers")?.textContent?.trim();
    return [name.textContent, text, value?.querySelector("meter")?.value];
  });
}

/** Serious problems that axe-core, which has been loaded, finds in the page as it is. */
export async function seriousProblems() {
  const { axe } = /** @type {any} */ (globalThis);
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations
    .filter((/** @type {any} */ { impact }) => impact === "serious" || impact === "critical")
    .map(
      (/** @type {any} */ { id, nodes }) =>
        `${id}: ${nodes.map((/** @type {any} */ { html }) => html.slice(0, 160)).join(" | ")}`,
    );
}

/** Layout shifts while N frames are shown, each with its size and the elements that moved. @param {number} frames */
export async function layoutShifts(frames) {
  /** @type {any[]} */
  const shifts = [];
  new PerformanceObserver((list) => shifts.push(...list.getEntries())).observe({ type: "layout-shift" });
  await pageParts().view.record(frames);
  return shifts.map(({ value, sources }) => [
    value,
    ...sources.map((/** @type {any} */ { node }) => node?.id || node?.nodeName),
  ]);
}

/** The elements that reach beyond the page's right edge, and where. */
export function overflowing() {
  const { clientWidth, scrollWidth } = document.documentElement;
  // The bar at a phone's lower edge is fixed: it makes no page wider.
  const suspects = scrollWidth > clientWidth ? "body *" : ".thumb-bar *";
  return [...document.querySelectorAll(suspects)]
    .map((each) => [each.id || each.className || each.nodeName, each.getBoundingClientRect().right])
    .filter(([, right]) => Number(right) > clientWidth);
}

/** What lies over the middle of each panel's picture, or where that is outside of the window, for those that are not seen. */
export function coveredPictures() {
  return [...document.querySelectorAll(".panel .picture")].flatMap((picture) => {
    const { left, top, width, height } = picture.getBoundingClientRect();
    const [x, y] = [left + width / 2, top + height / 2];
    const found = document.elementFromPoint(x, y);
    return found && picture.contains(found) ? [] : [[x, y, found?.outerHTML.slice(0, 80)]];
  });
}

/** The top and height of each panel's picture, if those that are side by side differ. */
export function unevenPanels() {
  const places = [...document.querySelectorAll(".panel .picture")].map((each) =>
    each.getBoundingClientRect(),
  );
  const uneven = places.some(({ top, bottom, height }) =>
    places.some(
      (other) =>
        other.top < bottom &&
        other.bottom > top &&
        Math.abs(other.height - height) + Math.abs(other.top - top) > 1,
    ),
  );
  return uneven ? places.map(({ top, height }) => [top, height]) : [];
}

/**
 * What a phone's first screen is to show and does not, in full and above the bar for the thumb: what the page is about,
 * what to watch, the three pictures and the headline.
 */
export function missingFromFirstScreen() {
  const bar = document.querySelector(".thumb-bar")?.getBoundingClientRect().top ?? 0;
  const wanted = "header p, #use-camera, #open-file, #samples > summary, #panels .picture, #headline-now";
  return [...document.querySelectorAll(wanted)]
    .map((each) => ({ name: each.id || each.className || each.nodeName, ...boxOf(each) }))
    .filter(({ top, bottom, left, right }) => top < 0 || left < 0 || bottom > bar || right > innerWidth);
}

/** The elements whose text is cut off. @param {string} selector */
export function cutTexts(selector) {
  return [...document.querySelectorAll(selector)]
    .filter((each) => each.checkVisibility() && each.scrollWidth > each.clientWidth + 1)
    .map((each) => each.id || each.textContent);
}

/**
 * The headline's lines that are cut off or longer than one line.
 * @param {Record<string, string>} texts of the lines, by id: the longest numbers
 */
export function longLines(texts) {
  return Object.entries(texts).filter(([id, text]) => {
    const line = /** @type {HTMLElement} */ (document.getElementById(id));
    line.textContent = text;
    const { fontSize } = getComputedStyle(line);
    return line.scrollWidth > line.clientWidth || line.clientHeight > 2 * Number.parseFloat(fontSize);
  });
}

/** The texts of the choices above the pictures that are not on one line with the first. */
export function choicesOnOtherLines() {
  const [first, ...others] = [...document.querySelectorAll(".start-choice")];
  return others
    .filter((each) => first && Math.abs(boxOf(each).top - boxOf(first).top) > 1)
    .map((each) => each.textContent?.trim());
}

/** The panels' pictures in the order in which they are read. */
export function pictureOrder() {
  return [...document.querySelectorAll("#panels .picture")]
    .sort((a, b) => boxOf(a).top - boxOf(b).top || boxOf(a).left - boxOf(b).left)
    .map((each) => each.querySelector("canvas")?.id);
}

/** @param {Element} each */
function boxOf(each) {
  const { top, bottom, left, right } = each.getBoundingClientRect();
  return { top, bottom, left, right };
}

/** Moves a file's slider. @param {number} share of the file, 0 to 1 */
export function seekTo(share) {
  const slider = /** @type {HTMLInputElement} */ (document.getElementById("position"));
  slider.value = String(share * Number(slider.max));
  slider.dispatchEvent(new Event("input"));
}

/** Where the slider's thumb and the line in the strip below it are, in pixels from the left. */
export function positions() {
  const slider = /** @type {HTMLInputElement} */ (document.getElementById("position"));
  const { left, width } = slider.getBoundingClientRect();
  const thumb = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const strip = document.getElementById("timeline-picture")?.getBoundingClientRect();
  const line = document.querySelector("#timeline-picture .position")?.getAttribute("d");
  const x = Number(/^M([\d.]+)/.exec(line ?? "")?.[1]);
  return [
    left + thumb / 2 + (Number(slider.value) / Number(slider.max)) * (width - thumb),
    (strip?.left ?? 0) + (x / 400) * (strip?.width ?? 0),
  ];
}

/** How the pictures of the visible panels are cut, by the panel's name. */
export function shownPanels() {
  const pictures = [...document.querySelectorAll(".panel .picture")].filter((each) => each.checkVisibility());
  return Object.fromEntries(
    pictures.map((each) => [each.querySelector("canvas")?.id, getComputedStyle(each).clipPath]),
  );
}

/** The zoom of each panel's canvas and how far it is moved, in whole pixels. */
export function transforms() {
  return [...document.querySelectorAll("#panels canvas:not([hidden])")].map((each) => {
    const { a, e, f } = new DOMMatrix(getComputedStyle(each).transform);
    return `${a} ${Math.round(e)} ${Math.round(f)}`;
  });
}
