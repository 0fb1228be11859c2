/**
 * Reads buffers of the GPU. The buffers through which this is done are used again and again.
 * @module
 */

// A frame has at most six answers at once: sums of cells, squared errors, and four pictures.
const MOST_FREE = 6;

export class AnswerBuffers {
  #device;
  /** Those in which no answer is awaited, least recently used first. @type {GPUBuffer[]} */
  #free = [];
  /** Counts how often they were freed. */
  #freed = 0;

  /** @param {GPUDevice} device */
  constructor(device) {
    this.#device = device;
  }

  /**
   * Submits commands and reads a buffer as it is after them. Reads may overlap.
   * @param {GPUCommandEncoder} encoder
   * @param {GPUBuffer} buffer
   * @param {number} size in bytes, a multiple of 4
   * @param {number} [start] first byte, a multiple of 4
   * @returns {Promise<ArrayBuffer>}
   */
  async read(encoder, buffer, size, start = 0) {
    const answer = this.#take(size);
    const freed = this.#freed;
    encoder.copyBufferToBuffer(buffer, start, answer, 0, size);
    this.#device.queue.submit([encoder.finish()]);
    try {
      await answer.mapAsync(GPUMapMode.READ, 0, size);
    } catch (error) {
      answer.destroy();
      throw error;
    }
    const bytes = answer.getMappedRange(0, size).slice(0);
    answer.unmap();
    if (freed === this.#freed) this.#give(answer);
    else answer.destroy();
    return bytes;
  }

  /** Frees all of them; answers that are awaited still come. */
  free() {
    this.#freed += 1;
    for (const buffer of this.#free) buffer.destroy();
    this.#free = [];
  }

  /** @param {number} size */
  #take(size) {
    const index = this.#free.findIndex((buffer) => buffer.size === size);
    const [found] = index < 0 ? [] : this.#free.splice(index, 1);
    return (
      found ?? this.#device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
    );
  }

  /** @param {GPUBuffer} buffer */
  #give(buffer) {
    this.#free.push(buffer);
    if (this.#free.length > MOST_FREE) this.#free.shift()?.destroy();
  }
}
