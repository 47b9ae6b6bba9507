/** Laws of page frames and of the memory of tasks. */

import fc from "fast-check";
import { Frames } from "../../src/linux/mm/frames.ts";
import { PAGE_SIZE, PagedMemory } from "../../src/sim/paged-memory.ts";
import { hostMemory } from "../support/host-memory.ts";
import { law } from "../support/law.ts";

const FRAMES = 12;
const BLOCK = 512;

law("frames-are-conserved", {
  says: "Whatever is allocated, shared and put, a frame is free or has as many references as it was given, no frame is handed out twice, and one handed out is zero.",
  cites: "Linux, Documentation/mm/physical_memory.rst; DESIGN, Virtualisation hardware and KVM",
  forAll: {
    steps: fc.array(fc.tuple(fc.constantFrom("allocate", "get", "put"), fc.nat(20)), {
      maxLength: 80,
    }),
  },
  holds: ({ steps }) => {
    const ram = new PagedMemory((FRAMES + 1) * PAGE_SIZE);
    const frames = new Frames(ram);
    const held = new Map<number, number>();
    for (const [step, choice] of steps) {
      const some = [...held.keys()][choice % Math.max(1, held.size)];
      if (step === "allocate") {
        const frame = frames.allocate("kernel");
        if (frame === null) {
          if (held.size !== FRAMES) return false;
          continue;
        }
        if (frame <= 0 || frame > FRAMES || held.has(frame)) return false;
        const bytes = ram.read(frame * PAGE_SIZE, PAGE_SIZE);
        if (bytes.some((byte) => byte !== 0)) return false;
        ram.fill(frame * PAGE_SIZE, PAGE_SIZE, 0xa5);
        held.set(frame, 1);
      } else if (some !== undefined && step === "get") {
        frames.get(some, "kernel");
        held.set(some, (held.get(some) ?? 0) + 1);
      } else if (some !== undefined) {
        frames.put(some);
        const left = (held.get(some) ?? 0) - 1;
        if (left === 0) held.delete(some);
        else held.set(some, left);
      }
      if (frames.free !== FRAMES - held.size) return false;
      for (const [frame, references] of held)
        if (frames.references(frame) !== references) return false;
    }
    return true;
  },
});

law("a-task-sees-what-it-wrote", {
  says: "A task's memory reads as what was last written, zeros where nothing was since it was mapped or discarded, EFAULT where nothing is mapped; listeners hear of each page before it loses its frame, and with the last page all frames are free.",
  cites: "Linux, mmap(2), munmap(2), madvise(2); Documentation/mm/mmu_notifier.rst",
  forAll: {
    steps: fc.array(
      fc.record({
        what: fc.constantFrom("map", "unmap", "discard", "write"),
        page: fc.nat(9),
        pages: fc.integer({ min: 1, max: 4 }),
        offset: fc.nat(PAGE_SIZE - 1),
        value: fc.integer({ min: 1, max: 255 }),
      }),
      { minLength: 3, maxLength: 40 },
    ),
  },
  holds: ({ steps }) => {
    const { frames, manager } = hostMemory(64);
    const all = frames.free;
    const memory = manager.newSpace(1);
    const mapped = new Set<number>();
    const written = new Map<number, number>();
    const wrong: string[] = [];
    memory.register({
      clearYoung: () => false,
      invalidate: (start, end) => {
        for (const at of written.keys())
          if (at >= start && at < end && memory.residentAt(at) === 0) wrong.push("told too late");
        for (const at of written.keys()) if (at >= start && at < end) written.delete(at);
      },
    });
    const base = memory.map(PAGE_SIZE);
    mapped.add(base);
    for (const { what, page, pages, offset, value } of steps) {
      const start = base + page * PAGE_SIZE;
      const range = Array.from({ length: pages }, (_, i) => start + i * PAGE_SIZE);
      if (what === "map") {
        const at = memory.map(pages * PAGE_SIZE);
        for (let i = 0; i < pages; i += 1) mapped.add(at + i * PAGE_SIZE);
      } else if (what === "write") {
        const error = memory.write(start + offset, Uint8Array.of(value));
        if ((error === null) !== mapped.has(start)) return false;
        if (error === null) written.set(start + offset, value);
      } else {
        const size = pages * PAGE_SIZE;
        memory[what === "unmap" ? "unmap" : "discard"](start, size);
        if (what === "unmap") for (const at of range) mapped.delete(at);
        // Heard of by the listener above, or kept.
        if ([...written.keys()].some((at) => at >= start && at < start + size)) return false;
      }
    }
    for (const at of mapped) {
      const bytes = memory.read(at, PAGE_SIZE);
      if (typeof bytes === "string") return false;
      if (bytes.some((byte, i) => byte !== (written.get(at + i) ?? 0))) return false;
    }
    for (const at of written.keys()) if (!mapped.has(at - (at % PAGE_SIZE))) return false;
    memory.destroy();
    return wrong.length === 0 && frames.free === all;
  },
});

law("blocks-are-made-of-frames", {
  says: "A block is 512 zeroed frames in a row from a multiple of 512 on, all of which were free; they are put one by one, and when all are, the block can be had again; what is in use is handed out neither as a frame nor in a block.",
  cites: "Linux, Documentation/mm/physical_memory.rst; Documentation/admin-guide/mm/transhuge.rst",
  forAll: {
    steps: fc.array(fc.tuple(fc.constantFrom("frames", "block", "put", "put all"), fc.nat(700)), {
      maxLength: 20,
    }),
  },
  runs: 40,
  holds: ({ steps }) => {
    const count = 3 * BLOCK + 40;
    const ram = new PagedMemory(count * PAGE_SIZE);
    const frames = new Frames(ram);
    const held = new Set<number>();
    const take = (frame: number): void => {
      if (frame <= 0 || frame >= count || held.has(frame)) throw new Error(`frame ${frame}`);
      if (ram.read32(frame * PAGE_SIZE) !== 0) throw new Error(`frame ${frame} is not zeroed`);
      ram.write32(frame * PAGE_SIZE, 0xa5a5);
      held.add(frame);
    };
    const isFree = (block: number): boolean =>
      Array.from({ length: BLOCK }, (_, i) => block * BLOCK + i).every((frame) => !held.has(frame));
    for (const [step, choice] of steps) {
      const block = step === "block" ? frames.allocateBlock("kernel") : null;
      if (block !== null) {
        if (block % BLOCK !== 0) return false;
        for (let i = 0; i < BLOCK; i += 1) take(block + i);
      } else if (step === "block" && (isFree(1) || isFree(2))) return false;
      const wanted = step === "frames" ? choice : 0;
      for (let i = 0; i < wanted; i += 1) {
        const frame = frames.allocate("kernel");
        if (frame !== null) take(frame);
        else if (held.size !== count - 1) return false;
      }
      const put = step === "put all" ? [...held] : step === "put" ? [...held].slice(choice) : [];
      for (const frame of put) {
        frames.put(frame);
        held.delete(frame);
      }
      if (frames.free !== count - 1 - held.size) return false;
      if ([...held].some((frame) => frames.references(frame) !== 1)) return false;
    }
    return true;
  },
});

law("large-regions-are-made-of-blocks", {
  says: "A page first touched in 2 MiB of a region, aligned and all without frames, brings a block if there is one, and else a frame of its own; what is unmapped or discarded of a block is free again, and what is left reads as before.",
  cites: "Linux, Documentation/admin-guide/mm/transhuge.rst; madvise(2), munmap(2)",
  forAll: {
    steps: fc.array(
      fc.record({
        what: fc.constantFrom(
          "write",
          "write",
          "write",
          "write",
          "discard",
          "discard",
          "unmap",
          "kernel",
        ),
        page: fc.oneof(
          { weight: 3, arbitrary: fc.constantFrom(0, 511, 512) },
          fc.nat(3 * BLOCK - 1),
        ),
        pages: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 500, max: 1100 })),
      }),
      { minLength: 10, maxLength: 20 },
    ),
  },
  runs: 60,
  holds: ({ steps }) => {
    // Three blocks and the first, which is none: one more region than fits.
    const { frames, manager } = hostMemory(4 * BLOCK);
    const all = frames.free;
    const memory = manager.newSpace(1);
    memory.map(PAGE_SIZE);
    const base = memory.map(3 * BLOCK * PAGE_SIZE);
    if (base % (BLOCK * PAGE_SIZE) !== 0) return false;
    const at = (page: number): number => base + page * PAGE_SIZE;
    const resident = (page: number): number => memory.residentAt(at(page));
    const isWhole = (block: number): boolean => memory.blockAt(at(block * BLOCK)) !== 0;
    const written = new Map<number, number>();
    /** Blocks that the region does not have whole any more. */
    const unmapped = new Set<number>();
    const others: number[] = [];
    for (const [value, { what, page, pages }] of steps.entries()) {
      const block = Math.floor(page / BLOCK);
      const inBlock = Array.from({ length: BLOCK }, (_, i) => resident(block * BLOCK + i));
      const isNew = inBlock.every((frame) => frame === 0);
      const { spare } = frames;
      const hasBlock = [1, 2, 3].some((one) => spare[one] === BLOCK);
      if (what === "write") {
        const error = memory.write(at(page), Uint8Array.of(value + 1));
        if (error === null) written.set(page, value + 1);
        const isMapped = !unmapped.has(block);
        if (isNew && isMapped && isWhole(block) !== hasBlock) return false;
      } else if (what === "kernel") {
        const frame = frames.allocate("kernel");
        if (frame !== null) others.push(frame);
      } else {
        const end = Math.min(page + pages, 3 * BLOCK);
        memory[what](at(page), (end - page) * PAGE_SIZE);
        for (let i = page; i < end; i += 1) {
          written.delete(i);
          if (what === "unmap") unmapped.add(Math.floor(i / BLOCK));
        }
      }
      const held = Array.from({ length: 3 * BLOCK }, (_, i) => resident(i)).filter((f) => f !== 0);
      if (new Set(held).size !== held.length) return false;
      for (let one = 0; one < 3; one += 1) {
        const first = memory.blockAt(at(one * BLOCK));
        const parts = first === 0 ? 0 : BLOCK;
        for (let i = 0; i < parts; i += 1)
          if (resident(one * BLOCK + i) !== first + i) return false;
      }
      if (frames.free !== all - held.length - others.length) return false;
      for (const [where, byte] of written) {
        const bytes = memory.read(at(where), 1);
        if (typeof bytes === "string" || bytes[0] !== byte) return false;
      }
    }
    memory.destroy();
    return frames.free === all - others.length;
  },
});
