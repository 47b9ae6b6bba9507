/** Laws of the balloon of a guest. */

import fc from "fast-check";
import { GuestMemory } from "../../src/qemu/guest-memory.ts";
import { PAGE_SIZE } from "../../src/sim/paged-memory.ts";
import { HostMemory } from "../support/host-memory.ts";
import { inWorld, must } from "../support/kvm-guest.ts";
import { law } from "../support/law.ts";

const PAGES = 8;
const HOST_PAGES = 64;
/** ROM lies over this page of RAM. */
const CLOSED = 5;

law("a-page-in-the-balloon-is-the-hosts", {
  says: "A page of open RAM that a guest gives away is free on the host, and what another guest finds in its place is zeros; the guest itself finds zeros there when it takes the page back. Numbers that name no such page do nothing.",
  cites: "VIRTIO 1.2, Traditional Memory Balloon Device; QEMU, hw/virtio/virtio-balloon.c",
  forAll: {
    given: fc.array(fc.oneof(fc.nat(PAGES + 1), fc.constantFrom(CLOSED, 2 ** 20, 0xffff_ffff)), {
      maxLength: 6,
    }),
  },
  holds: ({ given }) => {
    const host = inWorld((world) => {
      const memory = new HostMemory(world, HOST_PAGES, 0);
      const guests = ["a", "b"].map((name) => {
        const task = memory.newTask();
        const slots = { set: () => undefined, log: () => new Uint8Array(0) };
        const ram = new GuestMemory(world, name, task, PAGES * PAGE_SIZE, slots);
        ram.arrange(arrangement(ram.ram));
        return { ram, task };
      });
      return { frames: memory.frames, guests };
    });
    const [giver, taker] = host.guests;
    if (giver === undefined || taker === undefined) return false;
    const full = new Uint8Array(PAGE_SIZE).fill(0x5a);
    for (let page = 0; page < PAGES; page += 1) giver.ram.writeBehind(page * PAGE_SIZE, full);
    const { free } = host.frames;
    for (const page of given) giver.ram.giveBack(page);
    const gone = new Set(given.filter((page) => page < PAGES && page !== CLOSED));
    if (host.frames.free !== free + gone.size) return false;
    // As many as there are: those that were given are among them.
    const rest = host.frames.free;
    const start = taker.task.memory.map(rest * PAGE_SIZE);
    const found = must(taker.task.memory.read(start, rest * PAGE_SIZE));
    if (found.some((byte) => byte !== 0)) return false;
    taker.task.memory.unmap(start, rest * PAGE_SIZE);
    return Array.from({ length: PAGES }, (_, page) => page).every((page) => {
      const bytes = must(giver.task.memory.read(giver.ram.ram + page * PAGE_SIZE, PAGE_SIZE));
      return bytes.every((byte) => byte === (gone.has(page) ? 0 : 0x5a));
    });
  },
});

// Helpers

const arrangement = (ram: number) =>
  [
    { first: 0, pages: CLOSED, readOnly: false },
    { first: CLOSED, pages: 1, readOnly: true },
    { first: CLOSED + 1, pages: PAGES - CLOSED - 1, readOnly: false },
  ].map(({ first, pages, readOnly }) => ({
    at: first * PAGE_SIZE,
    bytes: pages * PAGE_SIZE,
    from: ram + first * PAGE_SIZE,
    readOnly,
  }));
