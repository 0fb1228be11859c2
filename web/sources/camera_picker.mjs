/**
 * The camera's controls below the panels: which camera, and whether its picture is mirrored.
 * @module
 */

/** @import { Settings } from "../settings/settings.mjs" */
/** @import { SourcePlayer } from "./source_player.mjs" */

import { element } from "../page/element.mjs";
import { follow } from "../settings/bound_controls.mjs";
import { isMirrored, listCameras } from "./camera.mjs";

// Marks the values of the <select> that name a side instead of a device.
const FACING = "facing:";

export class CameraPicker {
  #player;
  #settings;
  #bar = element("camera-tools", HTMLElement);
  #select = element("camera-device", HTMLSelectElement);
  #isFront = false;

  /** @param {{ settings: Settings, player: SourcePlayer }} page */
  constructor({ settings, player }) {
    this.#player = player;
    this.#settings = settings;
    const mirror = element("camera-mirror", HTMLInputElement);
    mirror.addEventListener("change", () => settings.set({ "camera-mirror": mirror.checked }));
    follow(settings, () => this.#showMirror());
    player.on("source", (source) => {
      this.#isFront = source?.isFront === true;
      this.#showMirror();
    });
    this.#select.addEventListener("change", () => this.#choose());
    // Also while no camera is open: one that is gone or in use is replaced by choosing another one.
    player.on("state", () => this.#show());
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.#list());
  }

  #showMirror() {
    const { values } = this.#settings;
    const mirrored = isMirrored(values, this.#isFront);
    element("camera-mirror", HTMLInputElement).checked = mirrored;
    // The camera itself is visible until Python has processed the first frame.
    const isCamera = values.source === "camera";
    element("video", HTMLVideoElement).classList.toggle("mirror", mirrored && isCamera);
  }

  #show() {
    this.#bar.hidden = this.#player.name !== "camera";
    if (!this.#bar.hidden) this.#list();
  }

  async #list() {
    const cameras = await listCameras();
    const sides = (this.#settings.option("camera-facing").choices ?? []).filter(
      ({ value }) => value !== "any",
    );
    const several = cameras.length > 1;
    this.#select.replaceChildren(
      ...cameras.map(({ id, label }) => new Option(label, id)),
      // The cameras of a phone are easier to tell apart by their side than by their names.
      ...(several ? sides.map(({ value, label }) => new Option(`${label} camera`, FACING + value)) : []),
    );
    this.#select.disabled = !several;
    this.#select.value = this.#player.device ?? "";
  }

  #choose() {
    const { value } = this.#select;
    const facing = value.startsWith(FACING) ? value.slice(FACING.length) : "";
    if (facing && this.#settings.values["camera-facing"] !== facing) {
      this.#settings.set({ "camera-facing": facing });
    } else this.#player.openCamera(facing ? "" : value);
  }
}
