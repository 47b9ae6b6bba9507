/**
 * PVH: an ELF file that says by a note where it is entered, in protected mode of 32 bits without paging, as Linux's
 * vmlinux does. Xen's documentation, "x86/HVM direct boot ABI"; its public headers, "Start of day structure passed to
 * PVH guests and to HVM guests in %ebx".
 */

import { E820_TYPES, type E820Entry } from "../../hw/boards/acpi/e820.ts";
import { startProtectedMode } from "../../hw/cpu/start.ts";
import type { CpuState } from "../../hw/cpu/state.ts";
import { InputError } from "../../sim/assert.ts";
import type { LoadedRam } from "../../hw/boards/firmware.ts";
import { elfClass, type ElfFile, loadSegments, readElf } from "./elf.ts";
import { latin1 } from "./latin1.ts";
import type { LinuxImages, LinuxPlatform } from "./linux.ts";

const MAGIC = 0x336e_c578;
/** The first version with a memory map. */
const VERSION = 1;
/** The note that holds the entry point: XEN_ELFNOTE_PHYS32_ENTRY of "Xen". */
const [NOTE_NAME, PHYS32_ENTRY] = ["Xen\0", 18] as const;

/** The start information lies behind the kernel in whole pages: offsets of what it points to. */
const [MODULE_LIST, MEMORY_MAP, COMMAND_LINE] = [0x100, 0x1000, 0x2000] as const;
const INFORMATION_BYTES = 0xa000;
const COMMAND_LINE_MOST = INFORMATION_BYTES - COMMAND_LINE;
const PAGE = 4096;
/** Of the memory map, and what is present, busy and of 32 bits in TR. */
const [MAP_ENTRY_BYTES, TSS_LIMIT, BUSY_TSS] = [24, 0x67, 0x8b] as const;

/** Fills memory and the bootstrap processor. Throws InputError when the image is none or memory is too small. */
export function loadPvh(
  ram: LoadedRam,
  state: CpuState,
  { kernel, initrd, commandLine }: LinuxImages,
  { memoryMap, rsdp }: LinuxPlatform,
): void {
  const bits = elfClass(kernel);
  if (bits === null) throw new InputError("kernel: no ELF file of a little-endian machine");
  const file = readElf("kernel", kernel, bits);
  const entry = entryOf(file);
  for (const { at, size } of file.segments)
    checkRam(memoryMap, at, size, "a segment of the kernel");
  const information = Math.ceil(loadSegments("kernel", ram, file.segments) / PAGE) * PAGE;
  checkRam(memoryMap, information, INFORMATION_BYTES, "the start information behind the kernel");
  writeInformation(ram, information, { memoryMap, rsdp }, commandLine);
  if (initrd !== null) {
    const at = information + INFORMATION_BYTES;
    checkRam(memoryMap, at, initrd.length, "initrd");
    ram.write(at, initrd);
    ram.write32(information + 12, 1);
    ram.write64(information + 16, BigInt(information + MODULE_LIST));
    ram.write64(information + MODULE_LIST, BigInt(at));
    ram.write64(information + MODULE_LIST + 8, BigInt(initrd.length));
  }
  startProtectedMode(state);
  state.setSystemSegment("TR", { selector: 0, base: 0n, limit: TSS_LIMIT, rights: BUSY_TSS });
  state.setGpr(3, BigInt(information));
  state.rip = BigInt(entry);
}

function entryOf({ notes }: ElfFile): number {
  const note = notes.find(({ name, type }) => name === NOTE_NAME && type === PHYS32_ENTRY);
  if (note === undefined)
    throw new InputError("kernel: an ELF file without Xen's note PHYS32_ENTRY");
  const { description } = note;
  const view = new DataView(description.buffer, description.byteOffset, description.length);
  if (description.length !== 4 && description.length !== 8)
    throw new InputError(`kernel: an entry point of ${description.length} bytes in Xen's note`);
  const entry =
    description.length === 4 ? view.getUint32(0, true) : Number(view.getBigUint64(0, true));
  if (entry > 0xffff_ffff) throw new InputError("kernel: its entry point lies above 4 GiB");
  return entry;
}

/** What the kernel is told to be RAM, and nothing else, holds what a loader puts into it. */
function checkRam(map: readonly E820Entry[], at: number, size: number, what: string): void {
  const holds = map.some(
    (range) =>
      range.type === "ram" && at >= range.address && at + size <= range.address + range.size,
  );
  if (!holds)
    throw new InputError(
      `kernel: ${what} would lie from 0x${at.toString(16)} to 0x${(at + size).toString(16)}, where there is no RAM`,
    );
}

function writeInformation(
  ram: LoadedRam,
  information: number,
  { memoryMap, rsdp }: LinuxPlatform,
  commandLine: string,
): void {
  const text = latin1(commandLine);
  if (text.length >= COMMAND_LINE_MOST)
    throw new InputError(
      `command line: ${text.length} bytes; a PVH kernel gets ${COMMAND_LINE_MOST - 1} at most`,
    );
  ram.fill(information, INFORMATION_BYTES, 0);
  ram.write(information + COMMAND_LINE, text);
  ram.write32(information, MAGIC);
  ram.write32(information + 4, VERSION);
  ram.write64(information + 24, BigInt(information + COMMAND_LINE));
  ram.write64(information + 32, BigInt(rsdp));
  ram.write64(information + 40, BigInt(information + MEMORY_MAP));
  ram.write32(information + 48, memoryMap.length);
  memoryMap.forEach(({ address, size, type }, i) => {
    const at = information + MEMORY_MAP + MAP_ENTRY_BYTES * i;
    ram.write64(at, BigInt(address));
    ram.write64(at + 8, BigInt(size));
    ram.write32(at + 16, E820_TYPES[type]);
  });
}
