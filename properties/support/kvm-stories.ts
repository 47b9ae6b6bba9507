/**
 * Stories of a VM's memory: random programs that read and write pages, on some vCPUs and CPUs, while user space asks for
 * the dirty log, turns it on and off, and takes pages away. What was written is known without the log: from the programs,
 * and from what differs.
 */

import fc from "fast-check";
import type { Vendor } from "../../src/hw/cpu/cpuid/profile.ts";
import { ioctl, mapRun } from "../../src/kvm/ioctls/index.ts";
import { EXIT, IO_DIRECTION, type KvmRun, setValue } from "../../src/kvm/ioctls/kvm-run.ts";
import { Vm } from "../../src/kvm/vm.ts";
import type { AddressSpace } from "../../src/linux/mm/address-space.ts";
import { KvmGuest, must, newHost, newKvm, type Regs, startLongMode } from "./kvm-guest.ts";

export const PAGE = 4096;
const THREADS = 2;
const MOST_COPIES = 2;
const CPUS = 2;
/** Pages of RAM: code of each thread, tables; behind them all are data. */
const [CODE, TABLES, FIRST_DATA] = [1, 3, 5];
const LOG = 1;
/** Where there is no memory: bytes read there are a device's. */
const DEVICE = 0x1000_0000;
const PORT = 0x3f8;
/** Cycles: more than any of these programs takes, also when all memory is first read back from the swap device. */
const LIMIT = 100_000_000;

/** An access of a guest; "in" and "copy" are carried out by the module: from a port, and from a device. */
interface Access {
  readonly how: "read" | "write" | "add" | "wide" | "in" | "wide in" | "copy";
  /** Of the data pages, the page; offset in it. */
  readonly page: number;
  readonly offset: number;
  readonly value: number;
}

export type Step =
  | {
      readonly what: "run";
      readonly thread: number;
      readonly cpu: number;
      readonly accesses: readonly Access[];
      /** Cycles; null: to the end of the program. */
      readonly budget: number | null;
    }
  | { readonly what: "get" | "log" | "quiet"; readonly slot: number }
  | { readonly what: "discard"; readonly page: number }
  | {
      /** What the host does with memory and no guest is to notice. */
      readonly what: "swap" | "merge" | "copy";
      readonly pages: number;
    };

/** Slots side by side from page 0 on. */
export interface Layout {
  readonly slots: readonly number[];
  readonly hostBytes: number;
  /** How far behind an aligned address of user space RAM begins. */
  readonly shift?: number;
  /** Data pages that are taken often, so that accesses meet. */
  readonly favourites: readonly number[];
}

const pagesOf = ({ slots }: Layout): number => slots.reduce((sum, pages) => sum + pages, 0);

const anyPage = (layout: Layout): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...layout.favourites) },
    fc.nat(pagesOf(layout) - FIRST_DATA - 1),
  );

const anyAccess = (layout: Layout): fc.Arbitrary<Access> =>
  fc.record({
    how: fc.constantFrom("read", "write", "add", "wide", "in", "wide in", "copy"),
    page: anyPage(layout),
    offset: fc.constantFrom(0, 8, PAGE - 1),
    value: fc.integer({ min: 1, max: 255 }),
  });

export const isOfHost = ({ what }: Step): boolean =>
  what === "swap" || what === "merge" || what === "copy";

/** `withHost`: the host swaps, merges and copies pages in between. */
export function anyStory(layout: Layout, withHost = false): fc.Arbitrary<readonly Step[]> {
  const slot = fc.nat(layout.slots.length - 1);
  // An entry costs 450 cycles; so it is often that a program is left in its midst.
  const run = fc.record({
    what: fc.constant("run" as const),
    thread: fc.nat(THREADS - 1),
    cpu: fc.nat(CPUS - 1),
    accesses: fc.array(anyAccess(layout), { minLength: 1, maxLength: 5 }),
    budget: fc.oneof(fc.constant(null), fc.integer({ min: 440, max: 500 }), fc.nat(6000)),
  });
  const ofSlot = fc.record({
    what: fc.constantFrom<"get" | "log" | "quiet">("get", "get", "log", "quiet"),
    slot,
  });
  const discard = fc.record({ what: fc.constant("discard" as const), page: anyPage(layout) });
  const ofHost = fc.record({
    what: fc.constantFrom<"swap" | "merge" | "copy">("swap", "merge", "copy"),
    pages: fc.nat(4 * pagesOf(layout)),
  });
  const one: fc.Arbitrary<Step> = fc.oneof(
    { weight: 6, arbitrary: run },
    { weight: 4, arbitrary: ofSlot },
    { weight: 1, arbitrary: discard },
    ...(withHost ? [{ weight: 4, arbitrary: ofHost }] : []),
  );
  const logs = layout.slots.map((_pages, number): Step => ({ what: "log", slot: number }));
  return fc
    .array(one, { minLength: 4, maxLength: 20 })
    .chain((steps) => fc.constantFrom(steps, [...logs, ...steps], [...logs, ...steps]));
}

const word = (value: number): number[] => [0, 8, 16, 24].map((bit) => (value >>> bit) & 0xff);

function codeOf(accesses: readonly Access[]): Uint8Array {
  const code = accesses.flatMap(({ how, page, offset, value }) => {
    const at = word((FIRST_DATA + page) * PAGE + offset);
    const toPlace = [0xbf, ...at];
    switch (how) {
      case "read":
        return [0x8a, 0x04, 0x25, ...at];
      case "write":
        return [0xc6, 0x04, 0x25, ...at, value];
      case "add":
        return [0x80, 0x04, 0x25, ...at, value];
      case "wide":
        return [0xc7, 0x04, 0x25, ...at, ...word(value * 0x0101_0101)];
      case "in":
        return [...toPlace, 0x6c];
      case "wide in":
        return [...toPlace, 0x66, 0x6d];
      case "copy":
        return [0xbe, ...word(DEVICE), ...toPlace, 0xa4];
    }
  });
  return Uint8Array.of(...code, 0xf4);
}

/** Pages that an access reaches; what lies behind RAM is none. */
function reached({ how, page, offset }: Access, pages: number): readonly number[] {
  const first = FIRST_DATA + page;
  const crosses = offset === PAGE - 1 && (how === "wide" || how === "wide in");
  return crosses && first + 1 < pages ? [first, first + 1] : [first];
}

const writtenBy = (program: readonly Access[], pages: number): readonly number[] =>
  program.filter(({ how }) => how !== "read").flatMap((access) => reached(access, pages));

/** What the module does for a guest maps nothing. */
const isOfCpu = ({ how }: Access): boolean => how !== "in" && how !== "wide in" && how !== "copy";

/** Pages that the tables map when the program has halted. */
const mappedBy = ({ number, program }: Thread, pages: number): readonly number[] => [
  CODE + number,
  ...(program ?? []).filter(isOfCpu).flatMap((access) => reached(access, pages)),
];

/** A vCPU, and the program that it is in. */
interface Thread {
  readonly number: number;
  readonly descriptor: number;
  readonly run: KvmRun;
  cpu: number;
  program: readonly Access[] | null;
  /** Neither was a log taken since it began, nor a page. */
  isWhole: boolean;
}

export interface StoryWorld {
  readonly vendor: Vendor;
  /** Page-modification logging may be used. */
  readonly pml: boolean;
  readonly layout: Layout;
}

/** Another task's copy of the guest's memory, and what it held then. */
interface Copy {
  readonly memory: AddressSpace;
  readonly at: number;
  readonly image: Uint8Array;
}

export class Story {
  readonly guest: KvmGuest;
  readonly vm: Vm;
  /** What the guest could see of each program at its end. */
  readonly seen: string[] = [];
  readonly #layout: Layout;
  readonly #pages: number;
  readonly #threads: readonly Thread[];
  /** RAM as it was when its log was last taken. */
  readonly #image: Uint8Array;
  readonly #logs: boolean[];
  /** Since the log was last taken: pages certainly written, and pages that may be in the log. */
  readonly #written = new Set<number>();
  readonly #allowed = new Set<number>();
  /** Pages that the tables may map. */
  readonly #mapped = new Set<number>();
  /** At some time a block was mapped at once. */
  hadBlock = false;
  #input = 0;
  readonly #copies: Copy[] = [];

  constructor({ vendor, pml, layout }: StoryWorld) {
    const host = newHost(vendor, CPUS, layout.hostBytes, undefined, layout.hostBytes);
    this.#layout = layout;
    this.#pages = pagesOf(layout);
    const bytes = this.#pages * PAGE + (layout.shift ?? 0);
    const guest = new KvmGuest(vendor, bytes, host, newKvm(host, { pml }));
    this.guest = guest;
    const file = guest.task.file(guest.vm);
    if (!(file instanceof Vm)) throw new Error("no VM");
    this.vm = file;
    this.#image = new Uint8Array(this.#pages * PAGE);
    this.#logs = layout.slots.map(() => false);
    for (const slot of this.#logs.keys()) this.#setSlot(slot, 0);
    host.memory.ksm.advise(guest.task.id, this.#user(0), this.#pages * PAGE);
    const others = Array.from({ length: THREADS - 1 }, (_, i) =>
      must(ioctl(guest.caller(), guest.vm, "KVM_CREATE_VCPU", BigInt(i + 1))),
    );
    this.#threads = [guest.vcpu, ...others].map((descriptor, number) => ({
      number,
      descriptor,
      run: must(mapRun(guest, descriptor)),
      cpu: 0,
      program: null,
      isWhole: true,
    }));
    for (const { descriptor } of this.#threads) {
      const setSregs: KvmGuest["setSregs"] = (sregs) => {
        const before = must(ioctl(guest.caller(), descriptor, "KVM_GET_SREGS", null));
        must(ioctl(guest.caller(), descriptor, "KVM_SET_SREGS", { ...before, ...sregs }));
      };
      startLongMode({ setSregs, write: (at, code) => this.#write(at, code) }, TABLES * PAGE);
    }
  }

  ram(): Uint8Array {
    return must(this.guest.task.memory.read(this.#user(0), this.#pages * PAGE));
  }

  /** Tells it to the end: every program halts, and all logs are taken. */
  tell(steps: readonly Step[], check: "nothing missing" | "nothing more" | null): void {
    for (const step of steps) {
      this.#take(step, check);
      this.hadBlock ||= this.vm.mmu.tables.leaves().some(({ pages }) => pages > 1);
    }
    for (const thread of this.#threads) this.#continue(thread, null);
    for (const slot of this.#logs.keys()) this.#get(slot, check);
    this.#checkCopies();
  }

  #take(step: Step, check: "nothing missing" | "nothing more" | null): void {
    switch (step.what) {
      case "run":
        this.#begin(step);
        break;
      case "get":
        this.#get(step.slot, check);
        break;
      case "log":
      case "quiet":
        this.#turn(step.slot, step.what === "log");
        break;
      case "discard":
        this.#discard(FIRST_DATA + step.page);
        break;
      case "swap":
      case "merge":
      case "copy":
        this.#ofHost(step.what, step.pages);
    }
  }

  #begin({ thread: number, cpu, accesses, budget }: Extract<Step, { what: "run" }>): void {
    const thread = this.#threads[number] as Thread;
    if (thread.program === null) {
      const rip = (CODE + number) * PAGE;
      thread.program = accesses;
      thread.isWhole = true;
      thread.cpu = cpu;
      this.#write(rip, codeOf(accesses));
      this.#setRegs(thread, { rip: BigInt(rip), rdx: BigInt(PORT) });
    }
    this.#continue(thread, budget);
  }

  #setRegs({ descriptor }: Thread, regs: Partial<Regs>): void {
    const { guest } = this;
    const before = must(ioctl(guest.caller(), descriptor, "KVM_GET_REGS", null));
    must(ioctl(guest.caller(), descriptor, "KVM_SET_REGS", { ...before, ...regs }));
  }

  /** The thread goes on, to the end or so many cycles. */
  #continue(thread: Thread, budget: number | null): void {
    const { program, cpu, descriptor } = thread;
    if (program === null) return;
    const { guest } = this;
    for (const page of [TABLES, TABLES + 1, ...writtenBy(program, this.#pages)])
      this.#allowed.add(page);
    // The first access maps a page, and then it is in the log, whatever the access.
    for (const page of mappedBy(thread, this.#pages))
      if (!this.#mapped.has(page)) this.#allowed.add(page);
    const { cycles } = guest.host.cpus[cpu]?.state ?? { cycles: 0 };
    const caller = guest.caller(cpu, cycles + (budget ?? LIMIT));
    while (thread.program !== null) {
      const result = ioctl(caller, descriptor, "KVM_RUN", null);
      if (result === "limit" && budget !== null) return;
      if (result !== 0) throw new Error(`KVM_RUN: ${result}`);
      this.#serve(thread);
    }
  }

  #serve(thread: Thread): void {
    const { run, program, isWhole } = thread;
    const mapped = mappedBy(thread, this.#pages);
    const { io, mmio } = run;
    this.#input = (this.#input + 1) % 256;
    if (run.exit_reason === EXIT.IO && io.direction === IO_DIRECTION.in)
      setValue(io.data, io.size, BigInt(this.#input * 0x101));
    else if (run.exit_reason === EXIT.MMIO) {
      if (mmio.is_write === 0) setValue(mmio.data, mmio.len, BigInt(this.#input));
    } else if (run.exit_reason === EXIT.HLT) {
      const { rax, rip, rdi } = must(
        ioctl(this.guest.caller(), thread.descriptor, "KVM_GET_REGS", null),
      );
      this.seen.push([rax, rip, rdi].join(" "));
      thread.program = null;
      if (!isWhole || program === null) return;
      for (const page of writtenBy(program, this.#pages)) this.#written.add(page);
      for (const page of mapped) this.#mapped.add(page);
    } else throw new Error(`exit ${run.exit_reason}`);
  }

  #discard(page: number): void {
    must(this.guest.task.memory.discard(this.#user(page), PAGE) ?? 0);
    this.#image.fill(0, page * PAGE, (page + 1) * PAGE);
    // The block that a page was mapped with is not mapped any more either.
    if (this.hadBlock) this.#mapped.clear();
    else this.#mapped.delete(page);
    for (const thread of this.#threads) thread.isWhole = false;
  }

  #ofHost(what: "swap" | "merge" | "copy", pages: number): void {
    const { task, host } = this.guest;
    if (what === "swap") task.memory.swapOut(pages);
    else if (what === "merge") host.memory.ksm.scan(pages);
    else if (this.#copies.length < MOST_COPIES) {
      const { memory } = host.newTask();
      const bytes = this.#pages * PAGE;
      const at = must(memory.mapCopy(task.memory, this.#user(0), bytes));
      this.#copies.push({ memory, at, image: this.ram() });
    }
    this.#mapped.clear();
    for (const thread of this.#threads) thread.isWhole = false;
  }

  /** Nobody has written what was copied. */
  #checkCopies(): void {
    for (const { memory, at, image } of this.#copies) {
      if (Buffer.compare(must(memory.read(at, image.length)), image) !== 0)
        throw new Error("a copy of the memory has changed");
      memory.destroy();
    }
  }

  #turn(slot: number, logs: boolean): void {
    if (this.#logs[slot] === logs) return;
    this.#logs[slot] = logs;
    this.#setSlot(slot, logs ? LOG : 0);
    this.#forget(slot);
    // Without a log larger pages may take the place of small ones.
    if (!logs) this.#mapped.clear();
  }

  #get(slot: number, check: "nothing missing" | "nothing more" | null): void {
    const { guest } = this;
    const { first, pages } = this.#range(slot);
    // The bitmap lies in the task's memory, and not in the guest's.
    const at = guest.task.memory.map(PAGE);
    const argument = { slot, dirty_bitmap: BigInt(at) };
    const result = ioctl(guest.caller(), guest.vm, "KVM_GET_DIRTY_LOG", argument);
    if (this.#logs[slot] !== true) {
      if (result !== "ENOENT") throw new Error(`a log of what is not logged: ${result}`);
      return;
    }
    must(result);
    const bitmap = must(guest.task.memory.read(at, Math.ceil(pages / 8)));
    guest.task.memory.unmap(at, PAGE);
    const ram = this.ram();
    for (let page = first; page < first + pages; page += 1) {
      const [i, bit] = [(page - first) >>> 3, (page - first) & 7];
      const isLogged = (((bitmap[i] as number) >>> bit) & 1) !== 0;
      const [from, to] = [page * PAGE, (page + 1) * PAGE];
      const before = this.#image.subarray(from, to);
      const differs = Buffer.compare(ram.subarray(from, to), before) !== 0;
      if (check === "nothing missing" && !isLogged && (differs || this.#written.has(page)))
        throw new Error(`page ${page} was written and is not in the log`);
      if (check === "nothing more" && isLogged && !differs && !this.#allowed.has(page))
        throw new Error(`page ${page} is in the log and was not written`);
    }
    this.#forget(slot);
  }

  /** What is in the slot now is the beginning. */
  #forget(slot: number): void {
    const { first, pages } = this.#range(slot);
    const ram = this.ram();
    this.#image.set(ram.subarray(first * PAGE, (first + pages) * PAGE), first * PAGE);
    for (let page = first; page < first + pages; page += 1) {
      this.#written.delete(page);
      this.#allowed.delete(page);
    }
    for (const thread of this.#threads) thread.isWhole = false;
  }

  #range(slot: number): { readonly first: number; readonly pages: number } {
    const { slots } = this.#layout;
    const first = slots.slice(0, slot).reduce((sum, pages) => sum + pages, 0);
    return { first, pages: slots[slot] ?? 0 };
  }

  #setSlot(slot: number, flags: number): void {
    const { first, pages } = this.#range(slot);
    const from = first * PAGE + (this.#layout.shift ?? 0);
    this.guest.slot(slot, first * PAGE, pages * PAGE, from, flags);
  }

  #user(page: number): number {
    return this.guest.ram + (this.#layout.shift ?? 0) + page * PAGE;
  }

  /** User space writes, which is in no log. */
  #write(address: number, bytes: Uint8Array): void {
    must(this.guest.task.memory.write(this.#user(0) + address, bytes) ?? 0);
    this.#image.set(bytes, address);
  }
}
