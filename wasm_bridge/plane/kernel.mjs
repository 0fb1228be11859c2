/**
 * A compute shader with a buffer for its job: parameters and tables that are written for every run.
 * @module
 */

const SMALLEST_JOB = 1024;

/**
 * @typedef {object} Job
 * @property {Uint32Array<ArrayBuffer>} job what the shader binds first
 * @property {[number, number, number]} groups of threads
 */

export class Kernel {
  #device;
  #pipeline;
  /** @type {GPUBuffer | undefined} */
  #job;

  /**
   * @param {GPUDevice} device
   * @param {GPUComputePipeline} pipeline
   */
  constructor(device, pipeline) {
    this.#device = device;
    this.#pipeline = pipeline;
  }

  /**
   * @param {GPUDevice} device
   * @param {string} code whose entry point is `main`
   */
  static async compile(device, code) {
    const module = device.createShaderModule({ code });
    const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module } });
    return new Kernel(device, pipeline);
  }

  /**
   * Adds a run to commands. Each of an encoder's kernels runs once, since its job is written before all of them.
   * @param {GPUCommandEncoder} encoder
   * @param {Job} job
   * @param {GPUBuffer[]} buffers that the shader binds after its job
   */
  encode(encoder, { job, groups }, buffers) {
    const entries = [this.#written(job), ...buffers].map((buffer, binding) => ({
      binding,
      resource: { buffer },
    }));
    const layout = this.#pipeline.getBindGroupLayout(0);
    const pass = encoder.beginComputePass();
    pass.setPipeline(this.#pipeline);
    pass.setBindGroup(0, this.#device.createBindGroup({ layout, entries }));
    pass.dispatchWorkgroups(...groups);
    pass.end();
  }

  close() {
    this.#job?.destroy();
    this.#job = undefined;
  }

  /** @param {Uint32Array<ArrayBuffer>} job */
  #written(job) {
    if (!this.#job || this.#job.size < job.byteLength) {
      this.#job?.destroy();
      let size = SMALLEST_JOB;
      while (size < job.byteLength) size *= 2;
      this.#job = this.#device.createBuffer({
        size,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST,
      });
    }
    this.#device.queue.writeBuffer(this.#job, 0, job);
    return this.#job;
  }
}
