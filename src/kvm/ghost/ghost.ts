/**
 * Who owns each frame of a host and which VMs map it, kept beside the run and never read by it. See DESIGN,
 * "Virtualisation hardware and KVM". A frame that is put while a VM still maps it, or has its tables there, is a
 * mistake of ours.
 */

import type { FrameOwner, Frames, FrameWatcher } from "../../linux/mm/frames.ts";
import { BLOCK_FRAMES } from "../../linux/mm/frames.ts";
import { assert } from "../../sim/assert.ts";
import type { Keeper } from "../../sim/snapshot.ts";
import type { Leaf } from "../mmu/tdp.ts";

/** A page or a block that tables map. */
export interface Mapping extends Leaf {
  /** Whose tables, in words. */
  readonly by: string;
}

type Owners = readonly (readonly [number, readonly FrameOwner[]])[];

export class Ghost implements FrameWatcher, Keeper<Owners> {
  #owners = new Map<number, readonly FrameOwner[]>();
  /** By the first frame. */
  readonly #mappings = new Map<number, readonly Mapping[]>();
  /** Whose tables lie in a frame. */
  readonly #tables = new Map<number, string>();

  constructor(frames: Frames) {
    frames.watcher = this;
  }

  save(): Owners {
    return [...this.#owners];
  }

  load(saved: Owners): void {
    this.#owners = new Map(saved);
  }

  /** Whether a run is checked is no part of the run. */
  digest(): void {}

  /** After a load: tables are looked at anew. */
  forgetMappings(): void {
    this.#mappings.clear();
    this.#tables.clear();
  }

  /** In words. */
  ownerOf(frame: number): string {
    return this.#owners.get(frame)?.join(" and ") ?? "nobody";
  }

  isOf(frame: number, owner: FrameOwner): boolean {
    return this.#owners.get(frame)?.includes(owner) === true;
  }

  allocated(frame: number, owner: FrameOwner): void {
    this.#owners.set(frame, [owner]);
  }

  shared(frame: number, owner: FrameOwner): void {
    if (!this.isOf(frame, owner))
      this.#owners.set(frame, [...(this.#owners.get(frame) ?? []), owner]);
  }

  freed(frame: number): void {
    const what = `frame ${frame} of ${this.ownerOf(frame)} is put`;
    const table = this.#tables.get(frame);
    assert(table === undefined, `${what}, and holds a table of ${table}`);
    const one = this.#mappingOf(frame);
    const gfn = one === null ? 0 : one.gfn + frame - one.frame;
    assert(one === null, `${what}, and ${one?.by} maps it as page ${gfn}`);
    this.#owners.delete(frame);
  }

  mapped(mapping: Mapping): void {
    const { frame } = mapping;
    this.#mappings.set(frame, [...(this.#mappings.get(frame) ?? []), mapping]);
  }

  unmapped({ frame, gfn, by }: Mapping): void {
    const all = this.#mappings.get(frame) ?? [];
    const rest = all.filter((one) => one.by !== by || one.gfn !== gfn);
    if (rest.length > 0) this.#mappings.set(frame, rest);
    else this.#mappings.delete(frame);
  }

  tableCame(frame: number, by: string): void {
    const other = this.#tables.get(frame);
    assert(other === undefined, `frame ${frame} holds a table of ${by} and one of ${other}`);
    const owner = this.ownerOf(frame);
    assert(this.isOf(frame, "kernel"), `frame ${frame} of ${owner} holds a table of ${by}`);
    this.#tables.set(frame, by);
  }

  tableWent(frame: number): void {
    this.#tables.delete(frame);
  }

  #mappingOf(frame: number): Mapping | null {
    const first = frame - (frame % BLOCK_FRAMES);
    for (const at of [frame, first])
      for (const one of this.#mappings.get(at) ?? []) if (frame < one.frame + one.pages) return one;
    return null;
  }
}
