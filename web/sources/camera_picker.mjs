/**
 * The controls of the camera, directly under the panels: which one, and whether it is a mirror.
 * @module
 */

import { element } from "../page/element.mjs";
import { listCameras } from "./camera.mjs";

/** @typedef {import("../settings/settings.mjs").Settings} Settings */

export class CameraPicker {
  /** A camera was chosen by its id. @type {(device: string) => void} */
  onCamera = () => {};

  #bar = element("camera-tools", HTMLElement);
  #select = element("camera-device", HTMLSelectElement);
  #mirror = element("camera-mirror", HTMLInputElement);
  #settings;
  #device = "";

  /** @param {Settings} settings */
  constructor(settings) {
    this.#settings = settings;
    const video = element("video", HTMLVideoElement);
    const showMirror = () => {
      this.#mirror.checked = settings.values["camera-mirror"] === true;
      // Until Python has made the first frame people see the camera itself.
      video.classList.toggle("mirror", this.#mirror.checked && settings.values.source === "camera");
    };
    settings.onChange(showMirror);
    showMirror();
    this.#mirror.addEventListener("change", () => settings.give({ "camera-mirror": this.#mirror.checked }));
    this.#select.addEventListener("change", () => this.#choose());
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.#list());
  }

  /** @param {string | undefined} device the open camera's id; undefined while the source is another one */
  show(device) {
    this.#bar.hidden = device === undefined;
    this.#device = device ?? "";
    if (device !== undefined) this.#list();
  }

  async #list() {
    const cameras = await listCameras();
    const sides = (this.#settings.option("camera-facing").choices ?? []).filter(
      ({ value }) => value !== "any",
    );
    const several = cameras.length > 1;
    this.#select.replaceChildren(
      ...cameras.map(({ id, label }) => new Option(label, id)),
      // A phone's cameras are easier to tell by their side than by their names.
      ...(several ? sides.map(({ value, label }) => new Option(`${label} camera`, FACING + value)) : []),
    );
    this.#select.disabled = !several;
    this.#select.value = this.#device;
  }

  #choose() {
    const { value } = this.#select;
    const facing = value.startsWith(FACING) ? value.slice(FACING.length) : "";
    if (facing && this.#settings.values["camera-facing"] !== facing) {
      this.#settings.give({ "camera-facing": facing });
    } else this.onCamera(facing ? "" : value);
  }
}

const FACING = "facing:";
