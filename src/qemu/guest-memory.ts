/**
 * A guest's memory as the VMM has it: RAM and ROM of its task, and which of both is at which guest-physical address now,
 * which KVM is told by memory slots. QEMU, docs/devel/memory.rst; Linux, Documentation/virt/kvm/api.rst,
 * "KVM_SET_USER_MEMORY_REGION".
 */

import type { DmaMemory } from "../hw/chips/dma.ts";
import type { LoadedRam } from "../hw/boards/firmware.ts";
import { isErrno } from "../linux/errno.ts";
import type { Task } from "../linux/task.ts";
import { assert } from "../sim/assert.ts";
import type { Cell } from "../sim/snapshot.ts";
import type { World } from "../sim/world.ts";

/** A range of guest-physical pages, and where they lie in the task. */
export interface MemoryRange {
  readonly at: number;
  readonly bytes: number;
  readonly from: number;
  readonly readOnly: boolean;
}

interface NumberedRange extends MemoryRange {
  readonly slot: number;
}

/** Sets a slot; of no bytes, there is none any more. */
export type SetSlot = (slot: number, range: MemoryRange) => void;

export class GuestMemory implements LoadedRam, DmaMemory {
  readonly sizeBytes: number;
  /** User address of RAM. */
  readonly ram: number;
  readonly #task: Task;
  readonly #setSlot: SetSlot;
  readonly #ranges: Cell<{ list: readonly NumberedRange[] }>;

  constructor(world: World, name: string, task: Task, bytes: number, setSlot: SetSlot) {
    this.sizeBytes = bytes;
    this.#task = task;
    this.#setSlot = setSlot;
    this.ram = task.memory.map(bytes);
    this.#ranges = world.registry.plain<{ list: readonly NumberedRange[] }>(name, { list: [] });
  }

  /** What is where from now on: only what differs is told. */
  arrange(wanted: readonly MemoryRange[]): void {
    const old = this.#ranges.value.list;
    const isSame = (a: MemoryRange, b: MemoryRange): boolean =>
      a.at === b.at && a.bytes === b.bytes && a.from === b.from && a.readOnly === b.readOnly;
    const kept = old.filter((range) => wanted.some((one) => isSame(one, range)));
    for (const range of old)
      if (!kept.includes(range)) this.#setSlot(range.slot, { ...range, bytes: 0 });
    const list = [...kept];
    for (const range of wanted) {
      if (kept.some((one) => isSame(one, range))) continue;
      const slot = freeSlot(list);
      this.#setSlot(slot, range);
      list.push({ ...range, slot });
    }
    this.#ranges.value.list = list;
  }

  // RAM as loaders fill it, whatever lies over it.

  contains(address: number, size: number): boolean {
    return address >= 0 && size >= 0 && address + size <= this.sizeBytes;
  }

  write32(address: number, value: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    this.#store(address, bytes);
  }

  write64(address: number, value: bigint): void {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, value, true);
    this.#store(address, bytes);
  }

  fill(address: number, size: number, value: number): void {
    this.#store(address, new Uint8Array(size).fill(value));
  }

  // RAM as devices reach it.

  read(address: number, size: number): Uint8Array | null {
    const from = this.#find(address, size);
    if (from === null) return null;
    const bytes = this.#task.memory.read(from, size);
    return isErrno(bytes) ? null : bytes;
  }

  write(address: number, bytes: Uint8Array): boolean {
    const from = this.#find(address, bytes.length);
    return from !== null && this.#task.memory.write(from, bytes) === null;
  }

  /** Of an access that lies in RAM that is open. */
  #find(address: number, size: number): number | null {
    const range = this.#ranges.value.list.find(
      ({ at, bytes, readOnly }) => !readOnly && address >= at && address + size <= at + bytes,
    );
    return range === undefined ? null : range.from + (address - range.at);
  }

  #store(address: number, bytes: Uint8Array): void {
    assert(this.contains(address, bytes.length), "loaders write to RAM");
    assert(this.#task.memory.write(this.ram + address, bytes) === null, "RAM has frames");
  }
}

function freeSlot(list: readonly NumberedRange[]): number {
  for (let slot = 0; ; slot += 1) if (!list.some((range) => range.slot === slot)) return slot;
}
