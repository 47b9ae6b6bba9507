import { expect, test } from "vitest";
import { elfOf, littleEndian, pvhKernel } from "../support/elf.ts";
import { reset } from "../../src/hw/cpu/start.ts";
import { BLOCK_BYTES, CpuState } from "../../src/hw/cpu/state.ts";
import { InputError } from "../../src/sim/assert.ts";
import { PagedMemory } from "../../src/sim/paged-memory.ts";
import { loadMultiboot } from "../../src/guests/loaders/multiboot.ts";
import { loadPvh } from "../../src/guests/loaders/pvh.ts";

const MIB = 1 << 20;
const MAP = [{ address: MIB, size: MIB, type: "ram" }] as const;
const CODE = Uint8Array.of(0xf4);

const entry = (description: readonly number[], name = "Xen\0"): Uint8Array =>
  elfOf({
    bits: 64,
    entry: 0,
    segments: [{ at: MIB, bytes: CODE, size: 1 }],
    notes: [{ name, type: 18, description }],
  });

const segments = (...places: readonly (readonly [at: number, size: number])[]): Uint8Array =>
  elfOf({
    bits: 32,
    entry: 0,
    segments: places.map(([at, size]) => ({ at, bytes: CODE, size })),
    notes: [{ name: "Xen\0", type: 18, description: littleEndian(MIB) }],
  });

const withByte = (kernel: Uint8Array, at: number, value: number): Uint8Array => {
  kernel[at] = value;
  return kernel;
};

test.each([
  ["no ELF file of a little-endian machine", new Uint8Array(100)],
  ["no ELF file of a little-endian machine", withByte(pvhKernel([0xf4]), 5, 2)],
  ["no ELF file of a little-endian machine", withByte(pvhKernel([0xf4]), 4, 3)],
  ["an ELF file without Xen's note PHYS32_ENTRY", entry(littleEndian(MIB), "Linux\0")],
  ["an entry point of 5 bytes in Xen's note", entry([0, 0, 0, 0, 0])],
  ["its entry point lies above 4 GiB", entry([0, 0, 0, 0, 1, 0, 0, 0])],
  ["two segments lie at 0x100800", segments([MIB + 0x800, 1], [MIB, 0x801])],
  [
    "a segment of the kernel would lie from 0x1fffff to 0x200001, where there is no RAM",
    segments([2 * MIB - 1, 2]),
  ],
  [
    "the start information behind the kernel would lie from 0x1ff000 to 0x209000, where there is no RAM",
    segments([2 * MIB - 0x1001, 1]),
  ],
  [
    "initrd would lie from 0x10b000 to 0x20b000, where there is no RAM",
    segments([MIB, 1]),
    new Uint8Array(MIB),
  ],
  ["a program header has 8 bytes", withByte(segments([MIB, 1]), 42, 8)],
  ["a program header lies outside the file", withByte(segments([MIB, 1]), 45, 1)],
  ["segment 1 does not fit the file", withByte(segments([MIB, 1]), 52 + 32 + 17, 1)],
  ["the file has nothing to load", withByte(segments([MIB, 1]), 44, 1)],
])("kernel: %s", (message, kernel, initrd: Uint8Array | null = null) => {
  const ram = new PagedMemory(4 * MIB);
  const load = (): void =>
    loadPvh(ram, state(), { kernel, initrd, commandLine: "" }, { memoryMap: MAP, rsdp: 0 });
  expect(load).toThrow(new InputError(`kernel: ${message}`));
});

test("a command line has its limit", () => {
  const images = { kernel: pvhKernel([0xf4]), initrd: null, commandLine: "a".repeat(0x8000) };
  expect(() =>
    loadPvh(new PagedMemory(4 * MIB), state(), images, { memoryMap: MAP, rsdp: 0 }),
  ).toThrow(new InputError("command line: 32768 bytes; a PVH kernel gets 32767 at most"));
});

test("a multiboot kernel's segments lie in memory", () => {
  const bytes = Uint8Array.from([0x1bad_b002, 0, -0x1bad_b002].flatMap(littleEndian));
  const segment = { at: 4 * MIB - 11, bytes, size: 12 };
  const kernel = elfOf({ bits: 32, entry: 0, segments: [segment], notes: [] });
  const images = { kernel, modules: [], commandLine: "" };
  expect(() => loadMultiboot(new PagedMemory(4 * MIB), state(), images, MAP)).toThrow(
    new InputError("multiboot: a segment ends at 0x400001, beyond memory"),
  );
});

function state(): CpuState {
  const made = new CpuState(new ArrayBuffer(BLOCK_BYTES), 0);
  reset(made, 0);
  return made;
}
