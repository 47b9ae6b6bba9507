/**
 * Linux's 64-bit boot protocol: a bzImage's protected-mode part is put where it prefers, and entered in long mode with
 * the first 4 GiB mapped and the zero page in RSI. The kernel's documentation, "The Linux/x86 Boot Protocol".
 */

import { E820_TYPES, type E820Entry } from "../../hw/boards/acpi/e820.ts";
import { InputError } from "../../sim/assert.ts";
import type { LoadedRam } from "../../hw/boards/firmware.ts";
import { startLongMode } from "../../hw/cpu/start.ts";
import type { CpuState } from "../../hw/cpu/state.ts";
import { latin1 } from "./latin1.ts";

export interface LinuxImages {
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array | null;
  readonly commandLine: string;
}

export interface LinuxPlatform {
  readonly memoryMap: readonly E820Entry[];
  /** Address of the root system description pointer; 0 when there are no ACPI tables. */
  readonly rsdp: number;
}

/** Where the loader puts its own things, all in conventional memory. */
const [GDT, ZERO_PAGE, PAGE_TABLES, COMMAND_LINE] = [0x6000, 0x7000, 0x9000, 0x2_0000] as const;
const STACK = 0x6000;
const COMMAND_LINE_MOST = 0x1_0000;
const TWO_MIB = 1 << 21;

/** Offsets in the image and in the zero page ("The Real-Mode Kernel Header", "The zero page"). */
const HEADER = {
  start: 0x1f1,
  setupSectors: 0x1f1,
  magic: 0x202,
  version: 0x206,
  typeOfLoader: 0x210,
  loadFlags: 0x211,
  ramdiskImage: 0x218,
  ramdiskSize: 0x21c,
  heapEnd: 0x224,
  commandLine: 0x228,
  initrdMost: 0x22c,
  kernelAlignment: 0x230,
  isRelocatable: 0x234,
  xloadflags: 0x236,
  commandLineMost: 0x238,
  preferredAddress: 0x258,
  initSize: 0x260,
} as const;
const ZERO = { rsdp: 0x70, e820Entries: 0x1e8, e820: 0x2d0 } as const;
const HDRS = 0x5372_6448;
const VERSION_2_12 = 0x20c;
const XLF_KERNEL_64 = 1;
const CAN_USE_HEAP = 0x80;
const UNKNOWN_LOADER = 0xff;
const ENTRY_64 = 0x200;
const E820_MOST = 128;

/** Fills memory and the bootstrap processor. Throws InputError when the image is none or memory is too small. */
export function loadLinux(
  ram: LoadedRam,
  state: CpuState,
  { kernel, initrd, commandLine }: LinuxImages,
  { memoryMap, rsdp }: LinuxPlatform,
): void {
  const view = new DataView(kernel.buffer, kernel.byteOffset, kernel.byteLength);
  checkKernel(kernel, view);
  const setupBytes = 512 * ((kernel[HEADER.setupSectors] || 4) + 1);
  const at = Number(view.getBigUint64(HEADER.preferredAddress, true));
  const end = at + Math.max(view.getUint32(HEADER.initSize, true), kernel.length - setupBytes);
  // What the memory map calls RAM from the first MiB on.
  const top = Math.min(
    ram.sizeBytes,
    ...memoryMap
      .filter((range) => range.type !== "ram" && range.address >= at)
      .map((range) => range.address),
  );
  if (end > top)
    throw new InputError(`kernel: needs memory up to ${mib(end)}, and there is ${mib(top)}`);
  ram.write(at, kernel.subarray(setupBytes));

  const zero = new Uint8Array(4096);
  const page = new DataView(zero.buffer);
  const headerEnd = HEADER.magic + (kernel[HEADER.magic - 1] as number);
  zero.set(kernel.subarray(HEADER.start, headerEnd), HEADER.start);
  page.setUint8(HEADER.typeOfLoader, UNKNOWN_LOADER);
  page.setUint8(HEADER.loadFlags, page.getUint8(HEADER.loadFlags) | CAN_USE_HEAP);
  page.setUint16(HEADER.heapEnd, 0xfe00, true);
  writeCommandLine(ram, page, commandLine);
  if (initrd !== null) {
    const most = Math.min(top, page.getUint32(HEADER.initrdMost, true) + 1);
    const place = Math.floor((most - initrd.length) / 4096) * 4096;
    if (place < end) throw new InputError(`initrd: does not fit into memory above the kernel`);
    ram.write(place, initrd);
    page.setUint32(HEADER.ramdiskImage, place, true);
    page.setUint32(HEADER.ramdiskSize, initrd.length, true);
  }
  page.setBigUint64(ZERO.rsdp, BigInt(rsdp), true);
  writeMemoryMap(page, memoryMap);
  ram.write(ZERO_PAGE, zero);
  enter(ram, state, at + ENTRY_64);
}

function checkKernel(kernel: Uint8Array, view: DataView): void {
  if (kernel.length < 0x1000 || view.getUint32(HEADER.magic, true) !== HDRS)
    throw new InputError("kernel: no bzImage; expected HdrS at 0x202");
  const version = view.getUint16(HEADER.version, true);
  if (version < VERSION_2_12)
    throw new InputError(
      `kernel: boot protocol ${version >> 8}.${version & 0xff}; expected 2.12 or later`,
    );
  if ((view.getUint16(HEADER.xloadflags, true) & XLF_KERNEL_64) === 0)
    throw new InputError("kernel: has no 64-bit entry point");
}

function writeCommandLine(ram: LoadedRam, page: DataView, commandLine: string): void {
  const bytes = latin1(commandLine);
  const most = Math.min(page.getUint32(HEADER.commandLineMost, true), COMMAND_LINE_MOST - 1);
  if (bytes.length > most)
    throw new InputError(`command line: ${bytes.length} bytes; the kernel takes ${most}`);
  ram.write(COMMAND_LINE, Uint8Array.of(...bytes, 0));
  page.setUint32(HEADER.commandLine, COMMAND_LINE, true);
}

function writeMemoryMap(page: DataView, memoryMap: readonly E820Entry[]): void {
  const entries = memoryMap.slice(0, E820_MOST);
  page.setUint8(ZERO.e820Entries, entries.length);
  entries.forEach(({ address, size, type }, i) => {
    const entry = ZERO.e820 + 20 * i;
    page.setBigUint64(entry, BigInt(address), true);
    page.setBigUint64(entry + 8, BigInt(size), true);
    page.setUint32(entry + 16, E820_TYPES[type], true);
  });
}

/** "64-bit Boot Protocol": paging on, __BOOT_CS 0x10, __BOOT_DS 0x18, interrupts off. */
function enter(ram: LoadedRam, state: CpuState, entry: number): void {
  [0n, 0n, 0x00af_9b00_0000_ffffn, 0x00cf_9300_0000_ffffn].forEach((descriptor, i) => {
    ram.write64(GDT + 8 * i, descriptor);
  });
  ram.write64(PAGE_TABLES, BigInt(PAGE_TABLES + 0x1003));
  for (let gigabyte = 0; gigabyte < 4; gigabyte += 1) {
    const table = PAGE_TABLES + 0x2000 + 0x1000 * gigabyte;
    ram.write64(PAGE_TABLES + 0x1000 + 8 * gigabyte, BigInt(table + 3));
    for (let i = 0; i < 512; i += 1)
      ram.write64(table + 8 * i, BigInt((512 * gigabyte + i) * TWO_MIB + 0x83));
  }
  startLongMode(state, 0);
  state.setSegment("CS", { ...state.segment("CS"), selector: 0x10 });
  for (const name of ["DS", "ES", "SS", "FS", "GS"] as const)
    state.setSegment(name, { ...state.segment(name), selector: 0x18 });
  state.setTable("GDTR", { base: BigInt(GDT), limit: 4 * 8 - 1 });
  state.setControl("CR3", BigInt(PAGE_TABLES));
  state.setGpr(4, BigInt(STACK));
  state.setGpr(6, BigInt(ZERO_PAGE));
  state.rip = BigInt(entry);
}

const mib = (bytes: number): string => `${Math.ceil(bytes / (1 << 20))} MiB`;
