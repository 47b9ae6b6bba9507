/** Laws of page frames and of the memory of tasks. */

import fc from "fast-check";
import { AddressSpace } from "../../src/linux/address-space.ts";
import { Frames } from "../../src/linux/frames.ts";
import { PAGE_SIZE, PagedMemory } from "../../src/sim/paged-memory.ts";
import { law } from "../support/law.ts";

const FRAMES = 12;

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
        frames.get(some);
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
    const frames = new Frames(new PagedMemory(64 * PAGE_SIZE));
    const all = frames.free;
    const memory = new AddressSpace(frames, "task 1");
    const mapped = new Set<number>();
    const written = new Map<number, number>();
    const wrong: string[] = [];
    memory.register({
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
