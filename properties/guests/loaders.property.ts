/** Laws of what puts kernels into memory. */

import fc from "fast-check";
import { multiboot } from "../../src/guests/kernels/multiboot.ts";
import type { LinuxPlatform } from "../../src/guests/loaders/linux.ts";
import { loadLinux } from "../../src/guests/loaders/linux.ts";
import { loadMultiboot } from "../../src/guests/loaders/multiboot.ts";
import { loadPvh } from "../../src/guests/loaders/pvh.ts";
import { reset } from "../../src/hw/cpu/start.ts";
import { BLOCK_BYTES, CpuState } from "../../src/hw/cpu/state.ts";
import { InputError } from "../../src/sim/assert.ts";
import { PagedMemory } from "../../src/sim/paged-memory.ts";
import { elfOf, littleEndian, pvhKernel } from "../support/elf.ts";
import { law } from "../support/law.ts";

const MIB = 1 << 20;
const PAGE = 4096;
const PLATFORM: LinuxPlatform = {
  memoryMap: [
    { address: 0, size: 0x9_fc00, type: "ram" },
    { address: 0x9_fc00, size: 0x6_0400, type: "reserved" },
    { address: MIB, size: 3 * MIB - PAGE, type: "ram" },
    { address: 4 * MIB - PAGE, size: PAGE, type: "acpi" },
  ],
  rsdp: 0xf_5000,
};

law("a-pvh-kernel-finds-what-the-abi-says", {
  says: "An ELF file of 32 or 64 bits with Xen's note is entered where the note says, in flat protected mode without paging, its segments at their physical addresses with zeros behind them; RBX points to the start information with command line, module, memory map and RSDP.",
  cites: "Xen's documentation, x86/HVM direct boot ABI; System V ABI, Program Header",
  forAll: {
    bits: fc.constantFrom(32, 64),
    entry: fc.nat(0xffff_ffff),
    isWide: fc.boolean(),
    segments: fc.array(
      fc.record({
        bytes: fc.uint8Array({ maxLength: 40 }),
        zeros: fc.integer({ min: 1, max: 64 }),
      }),
      { minLength: 1, maxLength: 5 },
    ),
    initrd: fc.option(fc.uint8Array({ maxLength: 40 })),
    commandLine: fc.stringMatching(/^[ -~]{0,40}$/),
  },
  holds: ({ bits, entry, isWide, segments, initrd, commandLine }) => {
    // From the last to the first, so that their order in the file is not that in memory.
    const places = segments.map(({ bytes, zeros }, i) => ({
      at: MIB + 256 * (segments.length - i),
      bytes,
      size: bytes.length + zeros,
    }));
    const description = [...littleEndian(entry), ...(isWide ? [0, 0, 0, 0] : [])];
    const other = { name: "Linux\0", type: 18, description: [1, 2, 3, 4, 5] };
    const notes = [other, { name: "Xen\0", type: 18, description }];
    const kernel = elfOf({ bits, entry: 0, segments: places, notes });
    const { ram, state } = machine();
    ram.fill(MIB, 2 * MIB, 0xaa);
    loadPvh(ram, state, { kernel, initrd, commandLine }, PLATFORM);
    const at = Number(state.gpr(3));
    const address = (offset: number): number => Number(ram.read64(at + offset));
    equal("entry", Number(state.rip), entry);
    equal("CR0", Number(state.control("CR0")), 0x11);
    equal("magic", ram.read32(at), 0x336e_c578);
    equal("version", ram.read32(at + 4), 1);
    equal("RSDP", address(32), PLATFORM.rsdp);
    for (const { at: place, bytes, size } of places)
      equal("segment", [...ram.read(place, size)], [...bytes, ...zeros(size - bytes.length)]);
    equal("words", [...ram.read(address(24), commandLine.length + 1)], [...ascii(commandLine), 0]);
    equal("modules", ram.read32(at + 12), initrd === null ? 0 : 1);
    if (initrd !== null) {
      const module = address(16);
      const [from, size] = [Number(ram.read64(module)), Number(ram.read64(module + 8))];
      equal("initrd", [...ram.read(from, size)], [...initrd]);
    }
    equal("map", ram.read32(at + 48), 4);
    const third = address(40) + 2 * 24;
    equal("RAM", [ram.read64(third), ram.read64(third + 8)].map(Number), [MIB, 3 * MIB - PAGE]);
    equal("type", [ram.read32(third + 16), ram.read32(third + 24 + 16)], [1, 3]);
  },
});

type Load = (ram: PagedMemory, state: CpuState, kernel: Uint8Array) => void;

const LOADERS: Readonly<Record<string, Load>> = {
  pvh: (ram, state, kernel) => loadPvh(ram, state, { kernel, ...REST }, PLATFORM),
  linux: (ram, state, kernel) => loadLinux(ram, state, { kernel, ...REST }, PLATFORM),
  multiboot: (ram, state, kernel) =>
    loadMultiboot(
      ram,
      state,
      { kernel, modules: [REST.initrd], commandLine: "" },
      PLATFORM.memoryMap,
    ),
};
const REST = { initrd: new Uint8Array(5000), commandLine: "a" };

law("no-file-breaks-a-loader", {
  says: "A kernel's file with anything in it, and cut anywhere, is either loaded or refused with one line.",
  cites: "docs/adr/0001-state-is-data.md",
  forAll: {
    loader: fc.constantFrom(...Object.keys(LOADERS)),
    file: fc.constantFrom("pvh32", "pvh64", "multiboot-elf", "multiboot", "linux"),
    changes: fc.array(
      fc.record({
        at: fc.oneof(fc.nat(160), fc.integer({ min: 0x1f0, max: 0x268 })),
        bytes: fc.oneof(
          fc.constantFrom([0xff, 0xff, 0xff, 0xff], [0, 0, 0, 0], [0xff], [0xff, 0xff, 0xff, 0x7f]),
          fc.array(fc.nat(255), { minLength: 1, maxLength: 8 }),
        ),
      }),
      { maxLength: 4 },
    ),
    length: fc.option(fc.nat(300)),
  },
  runs: 400,
  holds: ({ loader, file, changes, length }) => {
    const kernel = fileOf(file);
    for (const { at, bytes } of changes)
      if (at + bytes.length <= kernel.length) kernel.set(bytes, at);
    const { ram, state } = machine();
    try {
      LOADERS[loader]?.(ram, state, kernel.subarray(0, length ?? kernel.length));
    } catch (error) {
      if (!(error instanceof InputError) || error.message.includes("\n")) throw error;
    }
  },
});

// Helpers.

function fileOf(name: string): Uint8Array {
  if (name === "pvh32") return pvhKernel([0xf4], 32);
  if (name === "pvh64") return pvhKernel([0xf4], 64);
  if (name === "multiboot") return multiboot([0xf4]);
  if (name === "linux") return bzImage();
  const bytes = Uint8Array.from([0x1bad_b002, 0, -0x1bad_b002].flatMap(littleEndian));
  return elfOf({ bits: 32, entry: MIB, segments: [{ at: MIB, bytes, size: 64 }], notes: [] });
}

function bzImage(): Uint8Array {
  const kernel = new Uint8Array(0x1400);
  const view = new DataView(kernel.buffer);
  kernel[0x1f1] = 1;
  kernel[0x201] = 0x66;
  view.setUint32(0x202, 0x5372_6448, true);
  view.setUint16(0x206, 0x20f, true);
  view.setUint32(0x22c, 0x7fff_ffff, true);
  view.setUint16(0x236, 1, true);
  view.setUint32(0x238, 2047, true);
  view.setBigUint64(0x258, 0x10_0000n, true);
  view.setUint32(0x260, 0x1_0000, true);
  return kernel;
}

function machine(): { readonly ram: PagedMemory; readonly state: CpuState } {
  const state = new CpuState(new ArrayBuffer(BLOCK_BYTES), 0);
  reset(state, 0);
  return { ram: new PagedMemory(4 * MIB), state };
}

const zeros = (count: number): readonly number[] => Array.from({ length: count }, () => 0);
const ascii = (text: string): readonly number[] => Array.from(text, (c) => c.charCodeAt(0));

function equal(what: string, seen: unknown, expected: unknown): void {
  const [left, right] = [JSON.stringify(seen), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${what}: ${left}, not ${right}`);
}
