/**
 * Multiboot, version 1: an ELF file of 32 bits, or one with addresses in its header, entered in protected mode without
 * paging. Multiboot Specification 0.6.96, "OS image format", "Machine state", "Boot information format".
 */

import { E820_TYPES, type E820Entry } from "../../hw/boards/acpi/e820.ts";
import { startProtectedMode } from "../../hw/cpu/start.ts";
import type { CpuState } from "../../hw/cpu/state.ts";
import { InputError } from "../../sim/assert.ts";
import type { LoadedRam } from "../../hw/boards/firmware.ts";
import { elfClass, type ElfSegment, loadSegments, readElf } from "./elf.ts";
import { latin1 } from "./latin1.ts";

export interface MultibootImages {
  readonly kernel: Uint8Array;
  readonly modules: readonly Uint8Array[];
  readonly commandLine: string;
}

const HEADER_MAGIC = 0x1bad_b002;
const LOADER_MAGIC = 0x2bad_b002;
/** The header lies in so many bytes from the start, at a multiple of four. */
const SEARCHED = 8192;
const HEADER_BYTES = 12;
/** Flags of the header: addresses are in it; and those that a loader must understand. */
const [HAS_ADDRESSES, REQUIRED] = [0x1_0000, 0xffff] as const;
/** Flags of the header that ask for aligned modules, and for the memory of the machine. */
const UNDERSTOOD = 3;

/** The boot information lies behind the kernel in whole pages: offsets of what it points to. */
const [MODULE_LIST, MEMORY_MAP, COMMAND_LINE] = [0x100, 0x1000, 0x2000] as const;
const INFORMATION_BYTES = 0xa000;
const COMMAND_LINE_MOST = INFORMATION_BYTES - COMMAND_LINE;
const MODULES_MOST = (MEMORY_MAP - MODULE_LIST) / 16;
const FIRST_MIB = 0x10_0000;
const INFO = { memory: 1, commandLine: 4, modules: 8, memoryMap: 0x40 } as const;
const KIB = 1024;
const PAGE = 4096;

interface Program {
  readonly entry: number;
  readonly segments: readonly ElfSegment[];
}

/** Fills memory and the bootstrap processor. Throws InputError when the image is none or memory is too small. */
export function loadMultiboot(
  ram: LoadedRam,
  state: CpuState,
  { kernel, modules, commandLine }: MultibootImages,
  memoryMap: readonly E820Entry[],
): void {
  const program = programOf(kernel);
  const end = loadSegments("multiboot", ram, program.segments);
  const information = Math.ceil(end / PAGE) * PAGE;
  if (!ram.contains(information, INFORMATION_BYTES))
    throw new InputError("multiboot: no memory behind the kernel for the boot information");
  writeInformation(ram, information, memoryMap, commandLine);
  writeModules(ram, information, modules);
  startProtectedMode(state);
  state.setGpr(0, BigInt(LOADER_MAGIC));
  state.setGpr(3, BigInt(information));
  state.rip = BigInt(program.entry);
}

function programOf(kernel: Uint8Array): Program {
  const view = new DataView(kernel.buffer, kernel.byteOffset, kernel.byteLength);
  const header = headerOf(view);
  const flags = view.getUint32(header + 4, true);
  if ((flags & REQUIRED & ~UNDERSTOOD) !== 0)
    throw new InputError(`multiboot: the header asks for ${hex(flags & REQUIRED & ~UNDERSTOOD)}`);
  return (flags & HAS_ADDRESSES) === 0 ? elfProgram(kernel) : flatProgram(kernel, view, header);
}

function headerOf(view: DataView): number {
  const end = Math.min(SEARCHED, view.byteLength) - HEADER_BYTES;
  for (let at = 0; at <= end; at += 4) {
    const words = [0, 4, 8].map((offset) => view.getUint32(at + offset, true));
    const [magic = 0, flags = 0, checksum = 0] = words;
    if (magic === HEADER_MAGIC && ((magic + flags + checksum) & 0xffff_ffff) === 0) return at;
  }
  throw new InputError("multiboot: no header of version 1 in the first 8 KiB");
}

function flatProgram(kernel: Uint8Array, view: DataView, header: number): Program {
  if (header + 32 > kernel.length) throw new InputError("multiboot: the header is cut off");
  const word = (offset: number): number => view.getUint32(header + offset, true);
  const [headerAt, loadAt, loadEnd, bssEnd, entry] = [12, 16, 20, 24, 28].map(word) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const from = header - (headerAt - loadAt);
  const length = loadEnd === 0 ? kernel.length - from : loadEnd - loadAt;
  if (from < 0 || length < 0 || from + length > kernel.length)
    throw new InputError("multiboot: the addresses of the header do not fit the file");
  const bytes = kernel.subarray(from, from + length);
  return { entry, segments: [{ at: loadAt, bytes, size: Math.max(length, bssEnd - loadAt) }] };
}

function elfProgram(kernel: Uint8Array): Program {
  if (elfClass(kernel) !== 32)
    throw new InputError("multiboot: no ELF file of 32 bits, and no addresses in the header");
  return readElf("multiboot", kernel, 32);
}

function writeInformation(
  ram: LoadedRam,
  information: number,
  memoryMap: readonly E820Entry[],
  commandLine: string,
): void {
  const text = latin1(commandLine);
  if (text.length >= COMMAND_LINE_MOST)
    throw new InputError(
      `command line: ${text.length} bytes; a multiboot kernel gets ${COMMAND_LINE_MOST - 1} at most`,
    );
  ram.write(information + COMMAND_LINE, Uint8Array.of(...text, 0));
  const sizes = memoryMap.filter(({ type }) => type === "ram");
  const lower = sizes.find(({ address }) => address === 0)?.size ?? 0;
  const upper = sizes.find(({ address }) => address === 0x10_0000)?.size ?? 0;
  ram.write32(information, INFO.memory | INFO.commandLine | INFO.modules | INFO.memoryMap);
  ram.write32(information + 4, lower / KIB);
  ram.write32(information + 8, upper / KIB);
  ram.write32(information + 16, information + COMMAND_LINE);
  ram.write32(information + 44, 24 * memoryMap.length);
  ram.write32(information + 48, information + MEMORY_MAP);
  memoryMap.forEach(({ address, size, type }, i) => {
    const entry = information + MEMORY_MAP + 24 * i;
    ram.write32(entry, 20);
    ram.write64(entry + 4, BigInt(address));
    ram.write64(entry + 12, BigInt(size));
    ram.write32(entry + 20, E820_TYPES[type]);
  });
}

/** Modules lie in whole pages behind the boot information, and not in the first MiB. */
function writeModules(ram: LoadedRam, information: number, modules: readonly Uint8Array[]): void {
  if (modules.length > MODULES_MOST)
    throw new InputError(`multiboot: ${modules.length} modules; at most ${MODULES_MOST}`);
  let at = Math.max(information + INFORMATION_BYTES, FIRST_MIB);
  modules.forEach((module, i) => {
    if (!ram.contains(at, module.length))
      throw new InputError(`multiboot: module ${i + 1} does not fit into memory`);
    ram.write(at, module);
    const entry = information + MODULE_LIST + 16 * i;
    ram.write32(entry, at);
    ram.write32(entry + 4, at + module.length);
    at = Math.ceil((at + module.length) / PAGE) * PAGE;
  });
  ram.write32(information + 20, modules.length);
  ram.write32(information + 24, information + MODULE_LIST);
}

const hex = (value: number): string => `0x${value.toString(16)}`;
