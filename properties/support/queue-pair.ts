/** A well-behaved driver of a virtio device with one or two queues, which sends buffers and lends room. */

import type { VirtioDevice } from "../../src/hw/chips/virtio/device.ts";
import {
  connect,
  DriverQueue,
  initialize,
  type Segment,
  TestRam,
  type Transport,
  type TransportName,
} from "./virtio.ts";

/** A buffer that came back: how long the device says that it is, and what is in it. */
interface Given {
  readonly length: number;
  readonly size: number;
  readonly bytes: readonly number[];
}

const QUEUE_SIZE = 64;

export class Pair<Device extends object> {
  readonly transport: Transport<Device>;
  readonly #ram = new TestRam(0x4_0000);
  readonly #queues: DriverQueue[];
  readonly #lent: Map<number, Segment>[] = [new Map(), new Map()];
  #next = 0x1_0000;

  constructor(name: TransportName, kind: VirtioDevice<Device>, features: number) {
    this.transport = connect(name, kind, this.#ram);
    const areas = kind.queueSizes.map((size, i) => ({
      size: Math.min(size, QUEUE_SIZE),
      descriptors: 0x1000 * (4 * i + 1),
      driver: 0x1000 * (4 * i + 2),
      device: 0x1000 * (4 * i + 3),
    }));
    if (!initialize(this.transport, [features, 1], areas)) throw new Error("no agreement");
    this.#queues = areas.map((one) => new DriverQueue(this.#ram, one));
  }

  /** Puts bytes for the device into a queue, in segments. */
  send(queue: number, bytes: readonly number[], cuts: readonly number[]): void {
    const ends = [...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length];
    ends.sort((a, b) => a - b);
    let from = 0;
    const segments = ends.map((end) => {
      const address = this.#take(end - from);
      this.#ram.bytes.set(bytes.slice(from, end), address);
      const segment = { address, length: end - from, isWritable: false };
      from = end;
      return segment;
    });
    this.#queues[queue]?.add(segments);
  }

  /** Lends the device a buffer to write. */
  room(queue: number, length: number): void {
    const segment = { address: this.#take(length), length, isWritable: true };
    const head = this.#queues[queue]?.add([segment]) ?? 0;
    this.#lent[queue]?.set(head, segment);
  }

  /** Fills queue 0's ring with one buffer of two bytes, the ring's own index. */
  lendAvailableIndex(): void {
    const areas = this.#queues[0]?.areas;
    if (areas === undefined) return;
    this.#queues[0]?.add([{ address: areas.driver + 2, length: 2, isWritable: true }]);
    for (let i = 0; i < areas.size; i += 1)
      this.#ram.view.setUint16(areas.driver + 4 + 2 * i, 0, true);
  }

  kick(queue: number): void {
    this.#queues[queue]?.publish();
    this.transport.notify(queue);
  }

  /** What came back since the last call. */
  given(queue: number): Given[] {
    return (this.#queues[queue]?.reap() ?? []).map(({ head, length }) => {
      const segment = this.#lent[queue]?.get(head);
      const address = segment?.address ?? 0;
      const bytes = [...this.#ram.bytes.subarray(address, address + length)];
      return { length, size: segment?.length ?? 0, bytes };
    });
  }

  input(name: string, value: number): void {
    const { hosted } = this.transport;
    hosted.socket.input(name, value, hosted.now);
  }

  #take(size: number): number {
    const at = this.#next;
    this.#next += size + 1;
    return at;
  }
}
