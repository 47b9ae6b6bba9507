/**
 * The tables of one VM against the ghost: each page that they map is a frame of the VM's task, the one that the task
 * has at the address that the slot says, and written only where the slot and its dirty log allow. See DESIGN,
 * "Virtualisation hardware and KVM".
 */

import { frameOf, isResident, isShared } from "../../linux/mm/page-entry.ts";
import { assert } from "../../sim/assert.ts";
import type { TableCheck } from "../mmu/locks.ts";
import { isMarked, isReadOnly } from "../mmu/memslots.ts";
import { hvaOf, type Mmu } from "../mmu/mmu.ts";
import type { Leaf } from "../mmu/tdp.ts";
import type { Vm } from "../vm.ts";
import type { Ghost } from "./ghost.ts";
import { TableView, type TableVisitor } from "./table-view.ts";

export class VmCheck implements TableCheck, TableVisitor {
  readonly #vm: Vm;
  readonly #mmu: Mmu;
  readonly #ghost: Ghost;
  readonly #view: TableView;
  #isStale = false;

  constructor(vm: Vm, mmu: Mmu, ghost: Ghost) {
    const { host } = vm.kvm;
    this.#vm = vm;
    this.#mmu = mmu;
    this.#ghost = ghost;
    this.#view = new TableView(host.frames.ram, mmu.tables, this);
    // The ghost has forgotten what it was told.
    vm.world.registry.derived(() => this.compareAnew());
  }

  compareAnew(): void {
    this.#isStale = true;
  }

  compare(): void {
    if (this.#isStale) this.#view.forget();
    this.#isStale = false;
    this.#view.update();
  }

  end(): void {
    this.#view.forget();
  }

  came(leaf: Leaf): void {
    for (let i = 0; i < leaf.pages; i += 1) this.#verify(leaf, i);
    this.#ghost.mapped({ ...leaf, by: this.#by });
  }

  went(leaf: Leaf): void {
    this.#ghost.unmapped({ ...leaf, by: this.#by });
  }

  tableCame(frame: number): void {
    this.#ghost.tableCame(frame, this.#by);
  }

  tableWent(frame: number): void {
    this.#ghost.tableWent(frame);
  }

  get #by(): string {
    return `${this.#vm.name} of task ${this.#vm.task.id}`;
  }

  #verify(leaf: Leaf, i: number): void {
    const complaint = this.#complaint(leaf, leaf.gfn + i, leaf.frame + i);
    assert(
      complaint === null,
      `${this.#by} maps page ${leaf.gfn + i} to frame ${leaf.frame + i} of ` +
        `${this.#ghost.ownerOf(leaf.frame + i)}, ${complaint}`,
    );
  }

  #complaint({ writable, dirty, pages }: Leaf, gfn: number, frame: number): string | null {
    const { task, kvm } = this.#vm;
    if (!this.#ghost.isOf(frame, `task ${task.id}`)) return "which is not its task's";
    const slot = this.#mmu.slots.find(gfn);
    if (slot === null) return "and no slot has the page";
    const entry = task.memory.entryAt(hvaOf(slot, gfn));
    if (!isResident(entry) || frameOf(entry) !== frame) return "which is not where the slot says";
    if (!writable) return null;
    if (isShared(entry)) return "to be written, and others may have it";
    if (isReadOnly(slot)) return "to be written, and the slot is read-only";
    // A block is logged as a whole, or not at all.
    const isOpen = dirty || pages > 1 || !kvm.ops.logsPages;
    if (!isOpen || slot.dirty === null || isMarked(slot, gfn)) return null;
    const isLogged = this.#vm.vcpus.some(({ logged }) => logged.includes(gfn));
    return isLogged ? null : "to be written unseen by the dirty log";
  }
}
