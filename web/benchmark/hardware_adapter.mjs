/**
 * The option `require-hardware-adapter`: a measurement that must not run on a software adapter by accident.
 * @module
 */

import { adapterName, isSoftware, requestAdapter } from "../../wasm_bridge/autogaze.mjs";

/** @throws {Error} with a sentence for the user if this browser has no hardware WebGPU adapter */
export async function requireHardwareAdapter() {
  const adapter = await requestAdapter();
  if (adapter && !isSoftware(adapter)) return;
  const found = adapter ? `only a software adapter (${adapterName(adapter)})` : "no WebGPU adapter";
  throw new Error(
    `require-hardware-adapter asks for a GPU, but this browser has ${found}: start it with WebGPU on a GPU, or leave the option out.`,
  );
}
