/**
 * A virtio device's view of its driver during one access: buffers come in by `take` and go back by `give`. OASIS Virtual
 * I/O Device (VIRTIO) Specification 1.2, "Virtqueues". A driver that breaks the rules makes the device need a reset,
 * after which nothing more is taken: "DEVICE_NEEDS_RESET".
 */

import {
  CONFIGURATION,
  F_EVENT_IDX,
  F_INDIRECT_DESC,
  type Hosting,
  STATUS_DRIVER_OK,
  STATUS_NEEDS_RESET,
} from "./device.ts";
import {
  askForNext,
  BROKEN,
  type Chain,
  gather,
  putUsed,
  scatter,
  takeHead,
  type Virtqueue,
  walkChain,
  wantsInterrupt,
} from "./virtqueue.ts";

export class VirtioPort<Device extends object> {
  readonly #hosting: Hosting<Device>;
  /** By queue: how many heads were taken, and where its used ring stood before. */
  readonly #takenHere = new Map<number, number>();
  readonly #usedBefore = new Map<number, number>();
  #isConfigurationNew = false;

  constructor(hosting: Hosting<Device>) {
    this.#hosting = hosting;
  }

  get device(): Device {
    return this.#hosting.state.device;
  }

  /** The driver has accepted a feature. */
  has(feature: number): boolean {
    return ((this.#hosting.state.driverFeatures[0] >>> feature) & 1) === 1;
  }

  /** The driver is ready and has broken nothing. */
  get isRunning(): boolean {
    const { state, isMaster } = this.#hosting;
    const bits = state.status & (STATUS_DRIVER_OK | STATUS_NEEDS_RESET);
    return isMaster && bits === STATUS_DRIVER_OK;
  }

  /**
   * The head of the next chain of a queue; null when there is none. In one access it gives no more than the queue
   * holds: a device that writes into the available ring would otherwise never come to an end.
   */
  takeHead(index: number): number | null {
    const queue = this.#ready(index);
    const count = this.#takenHere.get(index) ?? 0;
    if (queue === null || count === queue.size) return null;
    this.#takenHere.set(index, count + 1);
    const head = takeHead(queue, this.#hosting.memory);
    if (head === BROKEN) this.fail();
    return head === BROKEN ? null : head;
  }

  /** How many descriptors a queue has. */
  sizeOf(index: number): number {
    return this.#hosting.state.queues[index]?.size ?? 0;
  }

  /** The chain of a head that was taken; null when it is broken. */
  chainOf(index: number, head: number): Chain | null {
    const queue = this.#ready(index);
    if (queue === null) return null;
    const chain = walkChain(queue, this.#hosting.memory, head, this.has(F_INDIRECT_DESC));
    if (chain === BROKEN) this.fail();
    return chain === BROKEN ? null : chain;
  }

  take(index: number): Chain | null {
    const head = this.takeHead(index);
    return head === null ? null : this.chainOf(index, head);
  }

  /** Puts the last `count` chains back as if they had not been taken. */
  untake(index: number, count: number): void {
    const queue = this.#ready(index);
    if (queue !== null) queue.taken = (queue.taken - count) & 0xffff;
  }

  /** Gives a chain back to the driver with the first `writtenBytes` of its writable part written. */
  give(index: number, { head }: Chain, writtenBytes: number): void {
    const queue = this.#ready(index);
    if (queue === null) return;
    if (!this.#usedBefore.has(index)) this.#usedBefore.set(index, queue.used);
    if (!putUsed(queue, this.#hosting.memory, head, writtenBytes)) this.fail();
  }

  /** Bytes of what the driver wrote; null, and a broken device, when they are not there. */
  read(chain: Chain, from: number, size: number): Uint8Array | null {
    const bytes = gather(this.#hosting.memory, chain.readable, from, size);
    if (bytes === null) this.fail();
    return bytes;
  }

  /** Writes to the writable part; false, and a broken device, when there is no room. */
  write(chain: Chain, from: number, bytes: Uint8Array): boolean {
    const isDone = scatter(this.#hosting.memory, chain.writable, from, bytes);
    if (!isDone) this.fail();
    return isDone;
  }

  /** The device configuration has changed. */
  configurationChanged(): void {
    const { state } = this.#hosting;
    state.generation = (state.generation + 1) & 0xff;
    this.#isConfigurationNew = true;
  }

  /** The driver has broken the rules. */
  fail(): void {
    const { state } = this.#hosting;
    if ((state.status & STATUS_NEEDS_RESET) !== 0) return;
    state.status |= STATUS_NEEDS_RESET;
    this.#isConfigurationNew = true;
  }

  /** Tells the driver of all that was given back. */
  finish(): void {
    const { state, memory } = this.#hosting;
    const hasEventIndex = this.has(F_EVENT_IDX);
    for (const index of this.#takenHere.keys()) {
      const queue = this.#ready(index);
      if (hasEventIndex && queue !== null && !askForNext(queue, memory)) this.fail();
    }
    for (const [index, before] of this.#usedBefore) {
      const queue = this.#ready(index);
      if (queue === null) continue;
      const isWanted = wantsInterrupt(queue, memory, before, hasEventIndex);
      if (isWanted === null) this.fail();
      if (isWanted === true) this.#hosting.interrupt(index);
    }
    if (this.#isConfigurationNew && (state.status & STATUS_DRIVER_OK) !== 0)
      this.#hosting.interrupt(CONFIGURATION);
  }

  #ready(index: number): Virtqueue | null {
    const queue = this.#hosting.state.queues[index];
    return this.isRunning && queue?.isReady === true ? queue : null;
  }
}

/** Does something to a device, and tells the driver of what that used. */
export function drive<Device extends object, Result>(
  hosting: Hosting<Device>,
  act: (port: VirtioPort<Device>) => Result,
): Result {
  const port = new VirtioPort(hosting);
  const result = act(port);
  port.finish();
  return result;
}
