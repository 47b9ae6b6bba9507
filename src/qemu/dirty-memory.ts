/**
 * Which pages of RAM were written since the last time: by the guest's CPUs, of which KVM keeps a log for each slot, and by
 * the VMM in its devices' names, of which it keeps one itself. QEMU, docs/devel/migration/main.rst, "Postcopy", "Dirty
 * memory"; include/exec/ram_addr.h, DIRTY_MEMORY_MIGRATION.
 */

import { PAGE_SIZE } from "../sim/paged-memory.ts";
import type { Cell } from "../sim/snapshot.ts";
import type { World } from "../sim/world.ts";

interface DirtyState {
  isOn: boolean;
  /** By number of the page in RAM. */
  pages: Uint8Array;
}

export class DirtyMemory {
  readonly #state: Cell<DirtyState>;
  readonly #pages: number;

  constructor(world: World, name: string, bytes: number) {
    this.#pages = Math.ceil(bytes / PAGE_SIZE);
    this.#state = world.registry.plain<DirtyState>(name, { isOn: false, pages: new Uint8Array(0) });
  }

  get isOn(): boolean {
    return this.#state.value.isOn;
  }

  /** Nothing is dirty at first. */
  set isOn(isOn: boolean) {
    this.#state.value = { isOn, pages: new Uint8Array(isOn ? this.#pages : 0) };
  }

  /** Bytes of RAM were written; what lies outside is nobody's. */
  mark(at: number, size: number): void {
    if (!this.isOn || size === 0) return;
    const [first, last] = [Math.floor(at / PAGE_SIZE), Math.floor((at + size - 1) / PAGE_SIZE)];
    for (let page = Math.max(0, first); page <= last && page < this.#pages; page += 1)
      this.#state.value.pages[page] = 1;
  }

  /** A log of KVM: a bit for each page from `at` on. */
  add(at: number, bitmap: Uint8Array): void {
    for (const [byte, bits] of bitmap.entries())
      for (let bit = 0; bits >>> bit !== 0; bit += 1)
        if ((bits & (1 << bit)) !== 0) this.mark(at + (8 * byte + bit) * PAGE_SIZE, 1);
  }

  /** The pages that are dirty, in their order; none is any more. */
  take(): readonly number[] {
    const { pages } = this.#state.value;
    const taken = [...pages.keys()].filter((page) => pages[page] === 1);
    pages.fill(0);
    return taken;
  }
}
