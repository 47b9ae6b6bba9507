/**
 * A guest's memory as the VMM has it: RAM and ROM of its task, and which of both is at which guest-physical address now,
 * which KVM is told by memory slots. QEMU, docs/devel/memory.rst; Linux, Documentation/virt/kvm/api.rst,
 * "KVM_SET_USER_MEMORY_REGION".
 */

import type { DmaMemory } from "../hw/chips/dma.ts";
import type { LoadedRam } from "../hw/boards/firmware.ts";
import { isErrno } from "../linux/errno.ts";
import type { Task } from "../linux/task.ts";
import { assert, InputError } from "../sim/assert.ts";
import { PAGE_SIZE } from "../sim/paged-memory.ts";
import type { Cell } from "../sim/snapshot.ts";
import type { World } from "../sim/world.ts";
import { DirtyMemory } from "./dirty-memory.ts";

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

/** The memory slots of a VM. */
export interface Slots {
  /** Of no bytes, there is none any more. */
  set(slot: number, range: MemoryRange, logs: boolean): void;
  /** The pages that its CPUs have written since the last time, a bit each. */
  log(slot: number, bytes: number): Uint8Array;
}

export class GuestMemory implements LoadedRam, DmaMemory {
  readonly sizeBytes: number;
  /** User address of RAM. */
  readonly ram: number;
  readonly #name: string;
  readonly #task: Task;
  readonly #slots: Slots;
  readonly #ranges: Cell<{ list: readonly NumberedRange[] }>;
  readonly #dirty: DirtyMemory;

  constructor(world: World, name: string, task: Task, bytes: number, slots: Slots) {
    this.#name = name;
    this.sizeBytes = bytes;
    this.#name = name;
    this.#task = task;
    this.#slots = slots;
    this.ram = task.memory.map(bytes);
    this.#ranges = world.registry.plain<{ list: readonly NumberedRange[] }>(name, { list: [] });
    this.#dirty = new DirtyMemory(world, `${name}.dirty`, bytes);
  }

  get logs(): boolean {
    return this.#dirty.isOn;
  }

  /** From now on what is written is told, or is not any more. */
  set logs(logs: boolean) {
    this.#dirty.isOn = logs;
    for (const range of this.#ranges.value.list) this.#set(range);
  }

  /** Pages of RAM that were written since the last time, or since there is a log. */
  takeDirty(): readonly number[] {
    for (const range of this.#ranges.value.list) this.#sync(range);
    return this.#dirty.take();
  }

  /** What is where from now on: only what differs is told. */
  arrange(wanted: readonly MemoryRange[]): void {
    const old = this.#ranges.value.list;
    const isSame = (a: MemoryRange, b: MemoryRange): boolean =>
      a.at === b.at && a.bytes === b.bytes && a.from === b.from && a.readOnly === b.readOnly;
    const kept = old.filter((range) => wanted.some((one) => isSame(one, range)));
    for (const range of old) {
      if (kept.includes(range)) continue;
      // Its log goes with it.
      this.#sync(range);
      this.#set({ ...range, bytes: 0 });
    }
    const list = [...kept];
    for (const range of wanted) {
      if (kept.some((one) => isSame(one, range))) continue;
      const numbered = { ...range, slot: freeSlot(list) };
      this.#set(numbered);
      list.push(numbered);
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
    return from !== null && this.#put(from - this.ram, bytes);
  }

  /** The host has a page of RAM back, until it is used again: zeros then. Any number is nothing to worry about. */
  giveBack(page: number): void {
    const from = this.#find(page * PAGE_SIZE, PAGE_SIZE);
    if (from !== null) this.#task.memory.discard(from, PAGE_SIZE);
  }

  /** RAM at an address, whatever a guest finds there. */
  writeBehind(address: number, bytes: Uint8Array): boolean {
    return this.contains(address, bytes.length) && this.#put(address, bytes);
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
    // Its control group may not have them.
    if (!this.#put(address, bytes))
      throw new InputError(`${this.#name}: ENOMEM for what the guest is started with`);
  }

  #put(address: number, bytes: Uint8Array): boolean {
    this.#dirty.mark(address, bytes.length);
    return this.#task.memory.write(this.ram + address, bytes) === null;
  }

  #set(range: NumberedRange): void {
    this.#slots.set(range.slot, range, this.#logsOf(range));
  }

  #sync(range: NumberedRange): void {
    if (!this.#logsOf(range)) return;
    this.#dirty.add(range.from - this.ram, this.#slots.log(range.slot, range.bytes));
  }

  /** What cannot be written is not logged. */
  #logsOf({ readOnly }: MemoryRange): boolean {
    return this.logs && !readOnly;
  }
}

function freeSlot(list: readonly NumberedRange[]): number {
  for (let slot = 0; ; slot += 1) if (!list.some((range) => range.slot === slot)) return slot;
}
