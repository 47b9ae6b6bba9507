/**
 * Software that nobody here wrote runs as guests of our KVM: Debian's cloud kernel and SeaBIOS, as in linux.system.ts
 * on the bare machine.
 */

import { beforeAll, expect, test } from "vitest";
import { debianLinux, type LinuxFiles, runHost, seabios } from "./guests.ts";

const SECOND = 1_000_000_000;
const LETTERS = "7eab2f295cd4dce0cc490ca925b6ea40e4e63a0d1dc9e89ba92c111f8ff3ea0f";
const MINUTES = 60_000;
const VENDORS = ["intel", "amd"] as const;

let files: LinuxFiles;

beforeAll(() => {
  ({ files } = debianLinux());
});

const linux = (append: string, rest: object = {}): object => ({
  ...rest,
  initrd: true,
  append: `console=ttyS0 quiet ${append} poweroff`,
});

test.each(VENDORS)(
  "four guests on two CPUs of %s boot Linux, use their disks and ping each other",
  (vendor) => {
    const guests = [
      linux("ping", { network: true }),
      linux("pong", { network: true, cpus: 2 }),
      linux("workload disk", { disks: 1 }),
      linux("disk", { board: "microvm", disks: 1, cpus: 2 }),
    ];
    const { consoles, ends, world } = runHost(
      {
        config: { host: vendor, cpus: 2, guests } as never,
        images: { ...files, disk0: new Uint8Array(16 << 20) },
        sliceCycles: 10_000,
      },
      40 * SECOND,
      guests.length,
    );
    const [ping = "", pong = "", disk = "", microvm = ""] = guests.map(
      (_, i) => consoles[`m${i}.com1`],
    );
    expect(ping).toContain("3 packets transmitted, 3 packets received");
    expect(pong).toContain("shell: 2 CPUs");
    expect(disk).toContain(LETTERS);
    expect(microvm).toContain("shell: 2 CPUs");
    expect(microvm).toContain(LETTERS);
    expect(ends.toSorted()).toEqual(guests.map((_, i) => `m${i}.machine off 0`));
    world.release();
  },
  8 * MINUTES,
);

test(
  "a guest that is restarted boots again",
  () => {
    const guest = { cpus: 2, initrd: true, append: "console=ttyS0 quiet reboot" };
    const { consoles, ends, world } = runHost(
      {
        config: { host: "amd", cpus: 1, guests: [guest] },
        images: { ...files },
        sliceCycles: 10_000,
      },
      8 * SECOND,
      1,
    );
    expect((consoles["com1"] ?? "").match(/shell: 2 CPUs/gu)?.length).toBeGreaterThanOrEqual(2);
    expect(ends).toEqual([]);
    world.release();
  },
  5 * MINUTES,
);

test.each(VENDORS)(
  "the same seed gives the same run of a host of %s",
  (vendor) => {
    const digest = (): string => {
      const guest = linux("", { cpus: 2 });
      const config = { host: vendor, cpus: 2, guests: [guest, guest] } as never;
      const start = { config, images: { ...files }, sliceCycles: 10_000 };
      const { world } = runHost(start, SECOND / 2, 2);
      const seen = world.digest();
      world.release();
      return seen;
    };
    expect(digest()).toBe(digest());
  },
  5 * MINUTES,
);

/** mov ax, 0E42h; int 10h; mov al, 'S'; int 10h; mov al, 3; out F4h, al; hlt. */
const BOOT_SECTOR = [
  0xb8, 0x42, 0x0e, 0xcd, 0x10, 0xb0, 0x53, 0xcd, 0x10, 0xb0, 0x03, 0xe6, 0xf4, 0xf4,
];

test.each(VENDORS)("SeaBIOS boots a disk as a guest on %s", (vendor) => {
  const disk0 = new Uint8Array(1 << 20);
  disk0.set(BOOT_SECTOR);
  disk0.set([0x55, 0xaa], 510);
  const guest = { boot: "bios", disks: 1, memoryBytes: 64 << 20 };
  const { consoles, ends, world } = runHost(
    { config: { host: vendor, cpus: 1, guests: [guest] }, images: { bios: seabios(), disk0 } },
    10 * SECOND,
    1,
  );
  expect(consoles["com1"]).toMatch(/SeaBIOS \(version.*Booting from Hard Disk.*B/su);
  expect(ends).toEqual(["machine exit 7"]);
  world.release();
});
