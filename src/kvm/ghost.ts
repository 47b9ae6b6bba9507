/**
 * Who owns each frame of a host, kept beside the run and never read by it; the tables of VMs have to agree with it. See
 * DESIGN, "Virtualisation hardware and KVM".
 */

import type { FrameOwner, Frames, FrameWatcher } from "../linux/mm/frames.ts";
import { isShared } from "../linux/mm/page-entry.ts";
import { isMarked, isReadOnly } from "./mmu/memslots.ts";
import { hvaOf } from "./mmu/mmu.ts";
import type { Vm } from "./vm.ts";

export class Ghost implements FrameWatcher {
  readonly #owners = new Map<number, Set<FrameOwner>>();

  constructor(frames: Frames) {
    frames.watcher = this;
  }

  allocated(frame: number, owner: FrameOwner): void {
    this.#owners.set(frame, new Set([owner]));
  }

  shared(frame: number, owner: FrameOwner): void {
    this.#owners.get(frame)?.add(owner);
  }

  freed(frame: number): void {
    this.#owners.delete(frame);
  }

  /** What is wrong with the tables of VMs; nothing, if all is well. */
  complaints(vms: readonly Vm[]): readonly string[] {
    const tables = vms.flatMap((vm) => vm.mmu.tables.tables());
    const twice = tables.filter((frame, i) => tables.indexOf(frame) !== i);
    const foreign = tables.filter((frame) => this.#owners.get(frame)?.has("kernel") !== true);
    return [
      ...twice.map((frame) => `frame ${frame} holds two tables`),
      ...foreign.map((frame) => `a table lies in frame ${frame}, which is not the kernel's`),
      ...vms.flatMap((vm) => this.#complaintsOf(vm)),
    ];
  }

  #complaintsOf(vm: Vm): readonly string[] {
    const { mmu, task } = vm;
    const { tables, slots } = mmu;
    const logged = new Set(vm.vcpus.flatMap((vcpu) => vcpu.logged));
    return tables.leaves().flatMap((leaf) =>
      Array.from({ length: leaf.pages }, (_, i) => {
        const [gfn, frame] = [leaf.gfn + i, leaf.frame + i];
        const owners = this.#owners.get(frame);
        const slot = slots.find(gfn);
        const where = `page ${gfn} of a VM of task ${task.id} is frame ${frame}`;
        if (owners?.has(`task ${task.id}`) !== true)
          return `${where}, owned by ${[...(owners ?? ["nobody"])].join(", ")}`;
        if (slot === null) return `${where}, and in no slot`;
        if (task.memory.residentAt(hvaOf(slot, gfn)) !== frame)
          return `${where}, but not its task's`;
        if (!leaf.writable) return null;
        const isOthers = isShared(task.memory.entryAt(hvaOf(slot, gfn)));
        if (isReadOnly(slot) || isOthers) return `${where}, and can be written`;
        // A block is logged as a whole, or not at all.
        const isOpen = leaf.dirty || leaf.pages > 1 || !vm.kvm.ops.logsPages;
        const isSeen = slot.dirty === null || isMarked(slot, gfn) || logged.has(gfn);
        return isOpen && !isSeen ? `${where}, and can be written unseen by the dirty log` : null;
      }).filter((complaint) => complaint !== null),
    );
  }
}
