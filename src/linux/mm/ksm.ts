/**
 * Pages of equal content become one frame that nobody may write: kernel same-page merging. A page is merged into one that
 * was merged before, or with another that had the same content in this round, if its own has not changed for a round.
 * Linux, Documentation/admin-guide/mm/ksm.rst; mm/ksm.c, cmp_and_merge_page.
 *
 * Not modelled: max_page_sharing, use_zero_pages, merge_across_nodes, smart_scan, the time of a processor that it takes.
 */

import { type AlarmState, newAlarm, setAlarm } from "../../sim/alarm.ts";
import type { Json } from "../../sim/data.ts";
import { Hasher } from "../../sim/hash.ts";
import { PAGE_SIZE } from "../../sim/paged-memory.ts";
import type { Cell, Keeper } from "../../sim/snapshot.ts";
import type { World } from "../../sim/world.ts";
import type { AddressSpace } from "./address-space.ts";
import type { Frames } from "./frames.ts";
import { KSM_DEFAULTS, type KsmSettings, ksmOf } from "./ksm-settings.ts";

/** Memory that madvise(2), MADV_MERGEABLE, was said of. */
interface Area {
  readonly task: number;
  readonly start: number;
  /** What each page was when it was looked at last. */
  readonly checksums: Int32Array;
}

interface Place {
  readonly task: number;
  readonly address: number;
}

interface Saved {
  readonly areas: readonly Area[];
  readonly area: number;
  readonly page: number;
  readonly merged: readonly number[];
  readonly seen: readonly (readonly [number, Place])[];
}

/** /sys/kernel/mm/ksm: what there is. */
export interface KsmCounts {
  /** Frames that pages were merged into, and pages beside them that have no frame of their own. */
  readonly pages_shared: number;
  readonly pages_sharing: number;
}

interface Daemon extends KsmSettings, AlarmState {}

const MILLISECOND = 1_000_000;

export class Ksm implements Keeper<Saved> {
  readonly #world: World;
  readonly #name: string;
  readonly #frames: Frames;
  readonly #spaceOf: (task: number) => AddressSpace | null;
  readonly #daemon: Cell<Daemon>;
  #areas: readonly Area[] = [];
  /** Where the round goes on. */
  #area = 0;
  #page = 0;
  /** Frames that were merged into, by what they hold, and the other way round. */
  readonly #merged = new Map<number, number[]>();
  readonly #held = new Map<number, number>();
  /** Pages of this round that nothing was equal to, by what they held. */
  readonly #seen = new Map<number, Place>();

  /** Adds the component `ksmd`, behind the prefix, which takes the input `set`. */
  constructor(
    world: World,
    prefix: string,
    frames: Frames,
    spaceOf: (task: number) => AddressSpace | null,
  ) {
    this.#world = world;
    this.#name = `${prefix}ksmd`;
    this.#frames = frames;
    this.#spaceOf = spaceOf;
    this.#daemon = world.registry.plain<Daemon>(`${this.#name}.settings`, {
      ...KSM_DEFAULTS,
      ...newAlarm(),
    });
    world.registry.keeper(this.#name, this);
    world.add({
      name: this.#name,
      handlers: {
        deadline: () => this.#wakeUp(),
        set: (payload) => this.set(ksmOf(payload as Json, this.#name, this.settings)),
      },
    });
  }

  save(): Saved {
    return {
      areas: this.#areas.map((area) => ({ ...area, checksums: area.checksums.slice() })),
      area: this.#area,
      page: this.#page,
      merged: [...this.#held.keys()].toSorted((a, b) => a - b),
      seen: [...this.#seen],
    };
  }

  load({ areas, area, page, merged, seen }: Saved): void {
    this.#areas = areas.map((one) => ({ ...one, checksums: one.checksums.slice() }));
    this.#area = area;
    this.#page = page;
    this.#merged.clear();
    this.#held.clear();
    for (const frame of merged) this.#keep(frame);
    this.#seen.clear();
    for (const [checksum, place] of seen) this.#seen.set(checksum, place);
  }

  get settings(): Readonly<KsmSettings> {
    const { run, pages_to_scan, sleep_millisecs } = this.#daemon.value;
    return { run, pages_to_scan, sleep_millisecs };
  }

  /** What is not named stays. A sleep that has begun is as long as it was to be. */
  set(settings: Partial<KsmSettings>): void {
    Object.assign(this.#daemon.value, settings);
    const { run, due } = this.#daemon.value;
    if (!run) setAlarm(this.#world, this.#name, this.#daemon.value, null);
    else if (due === null) this.#sleep();
  }

  get counts(): KsmCounts {
    const frames = [...this.#held.keys()];
    const users = frames.reduce((sum, frame) => sum + this.#frames.references(frame), 0);
    return { pages_shared: frames.length, pages_sharing: users - frames.length };
  }

  /** madvise(2), MADV_MERGEABLE. */
  advise(task: number, start: number, bytes: number): void {
    const checksums = new Int32Array(Math.ceil(bytes / PAGE_SIZE));
    this.#areas = [...this.#areas, { task, start, checksums }];
  }

  /** Looks at so many pages. */
  scan(pages: number): void {
    for (let left = pages; left > 0; left -= 1) {
      const area = this.#areas[this.#area];
      if (area === undefined) {
        this.#beginRound();
        if (this.#areas.length === 0) return;
        continue;
      }
      this.#look(area, this.#page);
      this.#page += 1;
      if (this.#page < area.checksums.length) continue;
      this.#page = 0;
      this.#area += 1;
    }
  }

  /** Nobody has the frame any more. */
  forget(frame: number): void {
    const checksum = this.#held.get(frame);
    if (checksum === undefined) return;
    this.#held.delete(frame);
    const left = (this.#merged.get(checksum) ?? []).filter((one) => one !== frame);
    if (left.length === 0) this.#merged.delete(checksum);
    else this.#merged.set(checksum, left);
  }

  #wakeUp(): void {
    this.#daemon.value.due = null;
    this.scan(this.settings.pages_to_scan);
    this.#sleep();
  }

  #sleep(): void {
    const daemon = this.#daemon.value;
    const until = this.#world.now + daemon.sleep_millisecs * MILLISECOND;
    setAlarm(this.#world, this.#name, daemon, until);
  }

  #beginRound(): void {
    this.#area = 0;
    this.#page = 0;
    this.#seen.clear();
  }

  #look({ task, start, checksums }: Area, page: number): void {
    const address = start + page * PAGE_SIZE;
    const space = this.#spaceOf(task);
    const frame = space?.residentAt(address) ?? 0;
    if (space === null || frame === 0 || this.#held.has(frame)) return;
    const checksum = this.#checksum(frame);
    const into = this.#merged.get(checksum)?.find((one) => this.#same(one, frame));
    if (into !== undefined) return space.replace(address, into);
    const isSteady = checksums[page] === checksum;
    checksums[page] = checksum;
    if (!isSteady) return;
    const other = this.#twin(checksum, frame);
    if (other === null) this.#seen.set(checksum, { task, address });
    else space.replace(address, other);
  }

  /** The frame of another page of the same content, merged from now on; null when there is none. */
  #twin(checksum: number, frame: number): number | null {
    const place = this.#seen.get(checksum);
    if (place === undefined) return null;
    const space = this.#spaceOf(place.task);
    const found = space?.residentAt(place.address) ?? 0;
    if (space === null || found === 0 || found === frame) return null;
    // Nobody may write it while it is compared.
    space.protect(place.address);
    if (!this.#same(found, frame)) return null;
    this.#frames.merged[found] = 1;
    this.#keep(found);
    this.#seen.delete(checksum);
    return found;
  }

  #keep(frame: number): void {
    const checksum = this.#checksum(frame);
    this.#held.set(frame, checksum);
    this.#merged.set(checksum, [...(this.#merged.get(checksum) ?? []), frame]);
  }

  #checksum(frame: number): number {
    const hasher = new Hasher();
    hasher.bytes(this.#bytes(frame));
    return hasher.finish()[0] | 0;
  }

  #same(a: number, b: number): boolean {
    const [left, right] = [this.#bytes(a), this.#bytes(b)];
    return left.every((byte, i) => byte === right[i]);
  }

  #bytes(frame: number): Uint8Array {
    return this.#frames.ram.bytes.subarray(frame * PAGE_SIZE, (frame + 1) * PAGE_SIZE);
  }
}
