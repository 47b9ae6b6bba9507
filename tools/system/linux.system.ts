/**
 * Software that nobody here wrote runs on the simulated machine: Debian's cloud kernel with a busybox, and SeaBIOS.
 * Expected sums are those of other programs: sha256sum of 4 MiB of zeros, and of a million letters k.
 */

import { beforeAll, expect, test } from "vitest";
import { Hasher } from "../../src/sim/hash.ts";
import { debianLinux, type LinuxFiles, runLan, runMachine, seabios } from "./guests.ts";
import { vmlinuxOf } from "./vmlinux.ts";

const SECOND = 1_000_000_000;
const ZEROS = "bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8";
const LETTERS = "7eab2f295cd4dce0cc490ca925b6ea40e4e63a0d1dc9e89ba92c111f8ff3ea0f";
const MINUTES = 60_000;

let files: LinuxFiles;
let host: LinuxFiles;

beforeAll(() => {
  ({ files, host } = debianLinux());
});

const linux = (append: string): { readonly initrd: true; readonly append: string } => ({
  initrd: true,
  append: `console=ttyS0 quiet ${append}`,
});

test.each([
  ["pc", 1, "intel"],
  ["pc", 4, "amd"],
  ["microvm", 4, "intel"],
  ["microvm", 1, "amd"],
])(
  "Debian's kernel works and turns a %s with %i CPUs of %s off",
  (board, cpus, cpu) => {
    const config = { board, cpus, cpu, disks: 1, ...linux("workload disk poweroff") };
    const images = { ...files, disk0: new Uint8Array(16 << 20) };
    const sliceCycles = cpus === 1 ? 1_000_000 : 10_000;
    const { consoles, ends, world } = runMachine({ config, images, sliceCycles }, 30 * SECOND);
    const text = consoles["com1"] ?? "";
    expect(text).toContain(`shell: ${cpus} CPUs`);
    expect(text).toContain(ZEROS);
    expect(text).toContain("loop: 1000");
    expect(text).toContain(LETTERS);
    expect(ends).toEqual(["machine off 0"]);
    world.release();
  },
  5 * MINUTES,
);

test.each(["intel", "amd"])(
  "Linux's own KVM runs a virtual machine on a CPU of %s",
  (cpu) => {
    const { consoles, ends, world } = runMachine(
      { config: { cpu, ...linux("kvm poweroff") }, images: { ...host } },
      10 * SECOND,
    );
    const text = consoles["com1"] ?? "";
    expect(text).toContain("kvm: real mode OK");
    expect(text).toContain("kvm: 64-bit mode OK");
    expect(ends).toEqual(["machine off 0"]);
    world.release();
  },
  5 * MINUTES,
);

test(
  "the kernel as an ELF file boots by PVH",
  () => {
    const images = { initrd: files.initrd, kernel: vmlinuxOf(files.kernel) };
    const { consoles, ends, world } = runMachine(
      { config: { boot: "pvh", cpus: 2, ...linux("poweroff") }, images },
      10 * SECOND,
    );
    expect(consoles["com1"]).toContain("shell: 2 CPUs");
    expect(ends).toEqual(["machine off 0"]);
    world.release();
  },
  5 * MINUTES,
);

test(
  "a kernel that is restarted boots again",
  () => {
    const { consoles, ends, world } = runMachine(
      { config: { cpus: 2, ...linux("reboot") }, images: { ...files }, sliceCycles: 10_000 },
      6 * SECOND,
    );
    expect((consoles["com1"] ?? "").match(/shell: 2 CPUs/gu)?.length).toBeGreaterThanOrEqual(2);
    expect(ends).toEqual([]);
    world.release();
  },
  5 * MINUTES,
);

/** What is in memory after a second of virtual time. */
function memoryAfterASecond(seed: string, cpu: string): { memory: string; digest: string } {
  const config = { cpu, ...linux("nokaslr") };
  const { world } = runMachine({ config, images: { ...files }, seed }, SECOND);
  const hasher = new Hasher();
  world.memoryOf("ram").digest(hasher);
  const seen = { memory: hasher.hex(), digest: world.digest() };
  world.release();
  return seen;
}

test(
  "the same seed gives the same boot, and another seed matters only where randomness enters",
  () => {
    expect(memoryAfterASecond("1", "intel")).toEqual(memoryAfterASecond("1", "intel"));
    const [first, second] = ["1", "2"].map((seed) =>
      memoryAfterASecond(seed, "intel,-RDRAND,-RDSEED"),
    );
    expect(first?.memory).toBe(second?.memory);
    expect(memoryAfterASecond("2", "intel").memory).not.toBe(
      memoryAfterASecond("1", "intel").memory,
    );
  },
  10 * MINUTES,
);

test(
  "two machines on a switch ping each other",
  () => {
    const machines = [linux("ping poweroff"), linux("pong poweroff")];
    const { consoles, ends, world } = runLan(
      { config: { machines }, images: { ...files } },
      30 * SECOND,
      2,
    );
    expect(consoles["m0.com1"]).toContain("3 packets transmitted, 3 packets received");
    expect(ends).toEqual(["m0.machine off 0", "m1.machine off 0"]);
    world.release();
  },
  5 * MINUTES,
);

/** mov ax, 0E42h; int 10h; mov al, 'S'; int 10h; mov dx, 3F8h; mov al, '!'; out dx, al; mov al, 3; out F4h, al; hlt. */
const BOOT_SECTOR = [
  0xb8, 0x42, 0x0e, 0xcd, 0x10, 0xb0, 0x53, 0xcd, 0x10, 0xba, 0xf8, 0x03, 0xb0, 0x21, 0xee, 0xb0,
  0x03, 0xe6, 0xf4, 0xf4,
];

test("SeaBIOS starts from the reset vector and boots a disk", () => {
  const disk0 = new Uint8Array(1 << 20);
  disk0.set(BOOT_SECTOR);
  disk0.set([0x55, 0xaa], 510);
  const config = { boot: "bios", disks: 1, memoryBytes: 64 << 20 };
  const { consoles, ends, world } = runMachine(
    { config, images: { bios: seabios(), disk0 } },
    10 * SECOND,
  );
  const text = consoles["com1"] ?? "";
  expect(text).toContain("SeaBIOS (version");
  // What INT 10h prints goes to the serial port, since there is no display; it holds the last character back.
  expect(text).toMatch(/Booting from Hard Disk.*B!/su);
  expect(ends).toEqual(["machine exit 7"]);
  world.release();
});
