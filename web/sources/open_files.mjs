/**
 * Connects the player with what the user opens it by: files, the bar of a file, the picker of cameras.
 * @module
 */

import { PlaybackBar } from "../playback/playback_bar.mjs";
import { CameraPicker } from "./camera_picker.mjs";
import { acceptFiles, sorted } from "./dropped_files.mjs";

/** @typedef {import("../settings/settings.mjs").Settings} Settings */
/** @typedef {import("./source_player.mjs").SourcePlayer} SourcePlayer */

export class SourceControls {
  /** A model's files were opened. @type {(files: File[]) => void} */
  onModelFiles = () => {};
  /** Called with a sentence for the user. @type {(sentence: string) => void} */
  onProblem = () => {};

  #player;
  #settings;

  /**
   * @param {SourcePlayer} player
   * @param {Settings} settings
   */
  constructor(player, settings) {
    this.#player = player;
    this.#settings = settings;
    const picker = new CameraPicker(settings);
    picker.onCamera = (device) => player.openCamera(device);
    /** The bar of a file, also for keys. */
    this.playback = new PlaybackBar(settings);
    this.playback.onStep = () => player.pause();
    player.onSource = (source) => {
      this.playback.showFile(source?.playback);
      picker.show(source?.device);
    };
    acceptFiles((files) => this.open(files));
  }

  /**
   * Opens what the user chose, dropped or pasted.
   * @param {File[]} files
   */
  open(files) {
    const { model, media } = sorted(files);
    if (model.length > 0) {
      this.onModelFiles(model);
      return;
    }
    const [first] = media;
    if (!first) return;
    this.#player.openFile(first);
    this.#settings.give({ source: this.#player.name });
    if (media.length > 1) this.onProblem(`"${first.name}" is shown: the page opens one file at a time.`);
  }
}
