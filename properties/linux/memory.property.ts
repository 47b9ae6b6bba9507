/** Laws of a host's memory that is shared: limits, swapping, copies made on write, merging. */

import fc from "fast-check";
import { PAGE_SIZE } from "../../src/sim/paged-memory.ts";
import { hostMemory } from "../support/host-memory.ts";
import { law } from "../support/law.ts";
import { anyMemoryStep, MemoryStory } from "../support/memory-stories.ts";

law("memory-is-shared-and-nobody-notices", {
  says: "Whatever tasks write, share and give back, whatever is swapped, merged, limited and moved: each page reads as its task wrote it last, and zeros where it did not; a frame is free or charged once, and is written by one page alone; no write takes a group over its limit, nor a page from a task outside it while frames are free; memory is refused only at a limit or when there is none; and in the end all is free.",
  cites:
    "Linux, Documentation/admin-guide/cgroup-v2.rst, Memory; Documentation/admin-guide/mm/ksm.rst; fork(2), madvise(2)",
  forAll: { steps: fc.array(anyMemoryStep, { minLength: 5, maxLength: 60 }) },
  runs: 300,
  holds: ({ steps }) => new MemoryStory().tell(steps),
});

law("equal-pages-become-one", {
  says: "Of pages that may be merged and that nobody writes for two rounds, all that are equal have one frame; whoever writes one has a frame of its own again, and the others keep theirs.",
  cites: "Linux, Documentation/admin-guide/mm/ksm.rst; mm/ksm.c, cmp_and_merge_page",
  forAll: {
    pages: fc.array(fc.tuple(fc.nat(2), fc.nat(3)), { minLength: 2, maxLength: 24 }),
    writes: fc.array(fc.nat(23), { maxLength: 4 }),
  },
  runs: 80,
  holds: ({ pages, writes }) => {
    const { frames, manager } = hostMemory(64);
    const { free } = frames;
    const spaces = [1, 2, 3].map((task) => manager.newSpace(task));
    const places = pages.map(([task, content]) => {
      const space = spaces[task];
      if (space === undefined) throw new Error("no such task");
      const address = space.map(PAGE_SIZE);
      space.write(address, new Uint8Array(PAGE_SIZE).fill(content));
      manager.ksm.advise(task + 1, address, PAGE_SIZE);
      return { space, address, content };
    });
    const rounds = 3;
    manager.ksm.scan(rounds * (places.length + 1));
    const contents = new Set(places.map(({ content }) => content));
    if (free - frames.free !== contents.size) return false;
    const { pages_shared: shared, pages_sharing: sharing } = manager.ksm.counts;
    const alone = [...contents].filter(
      (content) => places.filter((place) => place.content === content).length === 1,
    );
    if (shared !== contents.size - alone.length) return false;
    if (shared + sharing !== places.length - alone.length) return false;
    const written = new Set(writes.map((write) => write % places.length));
    for (const write of written) {
      const place = places[write];
      place?.space.write(place.address, Uint8Array.of(100 + write));
    }
    const found = places.map(({ space, address }) => space.residentAt(address));
    return places.every(({ space, address, content }, i) => {
      const bytes = space.read(address, 2);
      const first = written.has(i) ? 100 + i : content;
      const isOwn = found.filter((frame) => frame === found[i]).length === 1;
      return bytes[0] === first && bytes[1] === content && (!written.has(i) || isOwn);
    });
  },
});
