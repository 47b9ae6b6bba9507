/**
 * Stories of a host's memory: tasks of groups write, read, share and give back pages, each by system calls and by a
 * processor that remembers translations as KVM's tables do, while pages are swapped and merged and limits change. What a
 * page holds is known from what was written alone.
 */

import fc from "fast-check";
import { ROOT } from "../../src/linux/cgroups/cgroup.ts";
import { isErrno } from "../../src/linux/errno.ts";
import {
  type AddressSpace,
  type MmuNotifier,
  RECENT_PAGES,
} from "../../src/linux/mm/address-space.ts";
import { isResident, isShared, isSwapped, slotOf } from "../../src/linux/mm/page-entry.ts";
import { PAGE_SIZE } from "../../src/sim/paged-memory.ts";
import { type HostMemory, hostMemory } from "./host-memory.ts";
import { must } from "./kvm-guest.ts";

const TASKS = 3;
/** Pages of each task at the beginning; copies come beside them. */
const PAGES = 12;
/** Of the groups below the root: the last is in the first. */
const PARENTS = [-1, -1, 0] as const;
const HOST_PAGES = 24;
const SWAP_PAGES = 60;

const anyTask = fc.nat(TASKS - 1);
/** Counts from the first of a task's pages, wherever that lies. */
const anyPage = fc.nat(PAGES - 1);
const few = fc.integer({ min: 1, max: 4 });
const several = fc.oneof(fc.constant(1), fc.integer({ min: 2, max: PAGES }));
const value = fc.integer({ min: 1, max: 3 });

const step = <W extends string, T>(
  what: W,
  parts: { [K in keyof T]: fc.Arbitrary<T[K]> },
): fc.Arbitrary<T & { readonly what: W }> =>
  fc.record<T>(parts).map((given) => ({ ...(given as T), what }));

const ofPage = { task: anyTask, page: anyPage, copy: fc.nat(2), byProcessor: fc.boolean() };

export const anyMemoryStep = fc.oneof(
  { weight: 8, arbitrary: step("write", { ...ofPage, value, pages: several }) },
  { weight: 4, arbitrary: step("read", { ...ofPage, pages: several }) },
  step("discard", { task: anyTask, page: anyPage, copy: fc.nat(2), pages: few }),
  step("unmap", { task: anyTask, page: anyPage, copy: fc.nat(2), pages: few }),
  { weight: 2, arbitrary: step("copy", { task: anyTask, from: anyTask, copy: fc.nat(2) }) },
  { weight: 2, arbitrary: step("swap", { task: anyTask, pages: fc.nat(8) }) },
  { weight: 3, arbitrary: step("merge", { pages: fc.nat(120) }) },
  step("limit", {
    group: fc.nat(PARENTS.length - 1),
    which: fc.constantFrom("max" as const, "high" as const),
    pages: fc.option(fc.nat(20)),
  }),
  step("move", { task: anyTask, group: fc.integer({ min: -1, max: PARENTS.length - 1 }) }),
  step("rename", { group: fc.constant(2) }),
);

type MemoryStep = typeof anyMemoryStep extends fc.Arbitrary<infer T> ? T : never;
type Step<W extends MemoryStep["what"]> = Extract<MemoryStep, { what: W }>;

/** A processor with translations of its own; it stops using them when it is told. */
class Processor implements MmuNotifier {
  readonly #places = new Map<number, { readonly frame: number; readonly writable: boolean }>();
  readonly #young = new Set<number>();

  invalidate(start: number, end: number): void {
    for (const address of this.#places.keys())
      if (address >= start && address < end) this.#places.delete(address);
  }

  clearYoung(address: number): boolean {
    return this.#young.delete(address);
  }

  /** The frame of a page, by the translation that it has or by a fault. */
  frameFor(space: AddressSpace, address: number, write: boolean): number | null {
    this.#young.add(address);
    const known = this.#places.get(address);
    if (known !== undefined && (known.writable || !write)) return known.frame;
    const page = space.touch(address, write);
    if (isErrno(page)) return null;
    this.#places.set(address, { frame: page.frame, writable: page.isWritable });
    return page.frame;
  }

  get places() {
    return this.#places;
  }
}

/** A page that a task may have: where it is, and what was written there. */
type Contents = Map<number, number>;

interface Teller {
  readonly number: number;
  readonly space: AddressSpace;
  readonly processor: Processor;
  /** Where its memory and the copies begin. */
  readonly bases: number[];
  /** Pages that are mapped, and the byte that each begins with. */
  readonly pages: Contents;
}

/** What there was before a page is written: free frames, and the pages of each group and task. */
interface Standing {
  readonly writer: Teller;
  readonly free: number;
  readonly usage: readonly number[];
  readonly resident: readonly number[];
}

export class MemoryStory {
  readonly #host: HostMemory;
  readonly #all: number;
  readonly #groups: number[] = [];
  readonly #tasks: readonly Teller[];
  #names = 0;

  constructor() {
    this.#host = hostMemory(HOST_PAGES + 1, SWAP_PAGES);
    this.#all = this.#host.frames.free;
    for (const [i, parent] of PARENTS.entries())
      this.#groups.push(must(this.#host.cgroups.create(this.#groups[parent] ?? ROOT, `g${i}`)));
    this.#tasks = Array.from({ length: TASKS }, (_, i) => {
      const space = this.#host.manager.newSpace(i + 1);
      this.#host.cgroups.addTask(i + 1, this.#groups[i] ?? ROOT);
      const processor = new Processor();
      space.register(processor);
      const base = space.map(PAGES * PAGE_SIZE);
      this.#host.manager.ksm.advise(i + 1, base, PAGES * PAGE_SIZE);
      const pages = new Map(pagesFrom(base).map((address) => [address, 0]));
      return { number: i + 1, space, processor, bases: [base], pages };
    });
  }

  tell(steps: readonly MemoryStep[]): void {
    for (const each of steps) {
      this.#take(each);
      this.#checkFrames(each.what);
    }
    for (const task of this.#tasks)
      for (const address of task.pages.keys()) this.#read(task, address, true);
    for (const { space, pages } of this.#tasks) {
      space.destroy();
      pages.clear();
    }
    this.#checkFrames("the end");
    const { frames, manager, controller } = this.#host;
    if (frames.free !== this.#all || manager.swap.used !== 0 || controller.of(ROOT).usage !== 0)
      throw new Error("something is left when all is unmapped");
  }

  #take(each: MemoryStep): void {
    switch (each.what) {
      case "write":
        for (const address of this.#places(each)) this.#write(each, address);
        break;
      case "read":
        for (const address of this.#places(each))
          this.#read(this.#task(each.task), address, each.byProcessor);
        break;
      case "discard":
      case "unmap":
        this.#giveBack(each);
        break;
      case "copy":
        this.#copy(each);
        break;
      case "swap":
        this.#task(each.task).space.swapOut(each.pages);
        break;
      case "merge":
        this.#host.manager.ksm.scan(each.pages);
        break;
      case "limit":
        this.#limit(each);
        break;
      case "move":
        this.#host.cgroups.attach(each.task + 1, this.#groups[each.group] ?? ROOT);
        break;
      case "rename":
        this.#renew(each.group);
    }
  }

  #task(number: number): Teller {
    const task = this.#tasks[number];
    if (task === undefined) throw new Error("no such task");
    return task;
  }

  #place({ task, page, copy }: { task: number; page: number; copy: number }): number {
    const { bases } = this.#task(task);
    return (bases[copy % bases.length] as number) + page * PAGE_SIZE;
  }

  /** Of a range that begins there. */
  #places(range: { task: number; page: number; copy: number; pages: number }): readonly number[] {
    const start = this.#place(range);
    return Array.from({ length: range.pages }, (_, i) => start + i * PAGE_SIZE);
  }

  #write(each: Step<"write">, address: number): void {
    const task = this.#task(each.task);
    const before = this.#standing(task);
    const isWritten = each.byProcessor
      ? this.#store(task, address, each.value)
      : task.space.write(address, Uint8Array.of(each.value)) === null;
    if (isWritten !== task.pages.has(address)) this.#checkRefusal(task, address);
    if (isWritten) task.pages.set(address, each.value);
    this.#checkOthers(before);
  }

  #store(task: Teller, address: number, byte: number): boolean {
    const frame = task.processor.frameFor(task.space, address, true);
    if (frame !== null) this.#host.frames.ram.write8(frame * PAGE_SIZE, byte);
    return frame !== null;
  }

  #read(task: Teller, address: number, byProcessor: boolean): void {
    const expected = task.pages.get(address);
    const found = byProcessor ? this.#load(task, address) : firstOf(task.space.read(address, 1));
    if (found === null) {
      if (expected !== undefined) this.#checkRefusal(task, address);
    } else if (found !== expected)
      throw new Error(`task ${task.number} finds ${found} where ${expected} was written`);
  }

  #load(task: Teller, address: number): number | null {
    const frame = task.processor.frameFor(task.space, address, false);
    return frame === null ? null : this.#host.frames.ram.read8(frame * PAGE_SIZE);
  }

  #giveBack(each: Step<"discard" | "unmap">): void {
    const task = this.#task(each.task);
    task.space[each.what](this.#place(each), each.pages * PAGE_SIZE);
    for (const address of this.#places(each))
      if (each.what === "unmap") task.pages.delete(address);
      else if (task.pages.has(address)) task.pages.set(address, 0);
  }

  #copy({ task, from, copy }: Step<"copy">): void {
    const [into, source] = [this.#task(task), this.#task(from)];
    if (into.bases.length > 2) return;
    const start = source.bases[copy % source.bases.length] as number;
    const base = must(into.space.mapCopy(source.space, start, PAGES * PAGE_SIZE));
    // What is not mapped there is zeros here.
    for (const [page, address] of pagesFrom(base).entries())
      into.pages.set(address, source.pages.get(start + page * PAGE_SIZE) ?? 0);
    into.bases.push(base);
    this.#host.manager.ksm.advise(into.number, base, PAGES * PAGE_SIZE);
  }

  #limit({ group, which, pages }: Step<"limit">): void {
    const text = pages === null ? "max" : `${pages * PAGE_SIZE}`;
    const error = this.#host.cgroups.write(this.#groups[group] ?? ROOT, `memory.${which}`, text);
    if (error !== null) throw new Error(error);
  }

  /** The group goes, its tasks move up, and another takes its place. */
  #renew(group: number): void {
    const { cgroups } = this.#host;
    const number = this.#groups[group] as number;
    const parent = cgroups.parentOf(number);
    for (const task of cgroups.membersOf(number)) cgroups.attach(task, parent);
    const error = cgroups.remove(number);
    if (error !== null) throw new Error(error);
    this.#names += 1;
    this.#groups[group] = must(cgroups.create(parent, `new${this.#names}`));
  }

  /** Memory may be refused where nothing is mapped, at a limit, and when there is none. */
  #checkRefusal({ number, space, pages }: Teller, address: number): void {
    const { frames, controller, manager } = this.#host;
    if (!pages.has(address) || controller.over(space.group, "max", 1) !== null) return;
    const { swap } = manager;
    const canGive = swap.used < swap.capacity && this.#tasks.some((task) => idlePages(task) > 0);
    if (frames.free > 0 || canGive)
      throw new Error(`task ${number} is refused memory that there is`);
  }

  #standing(writer: Teller): Standing {
    const { controller, frames } = this.#host;
    return {
      writer,
      free: frames.free,
      usage: this.#groups.map((group) => controller.of(group).usage),
      resident: this.#tasks.map(({ space }) => space.resident),
    };
  }

  /** A limit is not passed by a write, and who has to give pages for it is within the group that is full. */
  #checkOthers({ writer, free, usage, resident }: Standing): void {
    const { controller } = this.#host;
    for (const [i, group] of this.#groups.entries()) {
      const now = controller.of(group);
      if (now.max !== null && now.usage > Math.max(now.max, usage[i] as number))
        throw new Error(`group ${i} has ${now.usage} pages of ${now.max}`);
    }
    if (free === 0) return;
    for (const [i, task] of this.#tasks.entries()) {
      const isWithin = this.#groups.some((group) => {
        const { max, high } = controller.of(group);
        const isLimited = max !== null || high !== null;
        const has = (one: Teller): boolean => controller.isWithin(one.space.group, group);
        return isLimited && has(task) && has(writer);
      });
      if (!isWithin && task !== writer && task.space.resident < (resident[i] as number))
        throw new Error(`task ${task.number} loses pages for another group's`);
    }
  }

  /** Each frame is free, or as many pages have it as there are references, and it is charged once. */
  #checkFrames(when: string): void {
    const { frames, manager, controller, cgroups } = this.#host;
    const users = new Map<number, { count: number; writers: number }>();
    const slots = new Set<number>();
    for (const { space, pages, processor } of this.#tasks)
      for (const address of pages.keys()) {
        const entry = space.entryAt(address);
        if (isSwapped(entry)) slots.add(slotOf(entry));
        if (!isResident(entry)) continue;
        const frame = space.residentAt(address);
        const one = users.get(frame) ?? { count: 0, writers: 0 };
        one.count += 1;
        if (!isShared(entry) || processor.places.get(address)?.writable === true) one.writers += 1;
        users.set(frame, one);
        const known = processor.places.get(address)?.frame ?? frame;
        if (known !== frame) throw new Error(`after ${when}: a processor uses another frame`);
      }
    for (const [frame, { count, writers }] of users) {
      if (frames.references(frame) !== count)
        throw new Error(`after ${when}: frame ${frame} has ${count} pages`);
      if (writers > 0 && (count > 1 || frames.merged[frame] === 1))
        throw new Error(`after ${when}: frame ${frame} is written and shared`);
    }
    if (frames.free + users.size !== this.#all)
      throw new Error(`after ${when}: ${frames.free} frames are free, ${users.size} in use`);
    if (manager.swap.used !== slots.size) throw new Error(`after ${when}: slots are lost`);
    for (const group of [ROOT, ...this.#groups]) {
      const charged = [...frames.charged].filter(
        (one) => one >= 0 && cgroups.exists(one) && controller.isWithin(one, group),
      );
      if (charged.length !== controller.of(group).usage)
        throw new Error(`after ${when}: group ${group} is charged ${charged.length} frames`);
    }
    if (controller.of(ROOT).usage !== users.size)
      throw new Error(`after ${when}: frames are charged that nobody has`);
  }
}

/** Pages that could go to the swap device: frames of its own, but for the few that were touched last. */
function idlePages({ space, pages }: Teller): number {
  const own = [...pages.keys()].filter((address) => {
    const entry = space.entryAt(address);
    return isResident(entry) && !isShared(entry);
  });
  return own.length - RECENT_PAGES;
}

const pagesFrom = (base: number): number[] =>
  Array.from({ length: PAGES }, (_, page) => base + page * PAGE_SIZE);

const firstOf = (bytes: Uint8Array | string): number | null =>
  typeof bytes === "string" ? null : (bytes[0] ?? null);
