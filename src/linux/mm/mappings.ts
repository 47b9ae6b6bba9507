/** Mappings of a process, and what it reads and writes through them, which nobody is asked about: Linux, mm/mmap.c, mm/memory.c. They are not in its AddressSpace, where guests have their memory. */

import { readContent, sizeOf, writeContent } from "../fs/content.ts";
import type { Errno } from "../errno.ts";
import type { Kernel } from "../kernel.ts";
import type { Process } from "../process.ts";
import { type Mapping, PROT } from "./mapping.ts";

/** Where the first goes, and what lies between two at least. */
const BASE = 2 ** 45;
const GAP = 4096;

export function addMapping(
  kernel: Kernel,
  process: Process,
  { bytes, offset, prot, isShared, file }: Omit<Mapping, "start" | "copy">,
): number {
  const last = process.mappings.at(-1);
  const end = last === undefined ? BASE : last.start + last.bytes;
  const start = (Math.floor(end / GAP) + 1) * GAP;
  if (file !== null) kernel.take(file);
  const mapping = { start, bytes, file, offset, prot, isShared, copy: null };
  process.mappings = [...process.mappings, mapping];
  return start;
}

export function removeMapping(kernel: Kernel, process: Process, start: number): number | Errno {
  const mapping = process.mappings.find((one) => one.start === start);
  if (mapping === undefined) return "EINVAL";
  process.mappings = process.mappings.filter((one) => one !== mapping);
  if (mapping.file !== null) kernel.drop(mapping.file);
  return 0;
}

export const mappingAt = ({ mappings }: Process, address: number): Mapping | null =>
  mappings.find(({ start, bytes }) => address >= start && address < start + bytes) ?? null;

/** A load; null is a SIGSEGV. */
export function load(kernel: Kernel, by: Process, address: number): number | null {
  const mapping = mappingAt(by, address);
  if (mapping === null || mapping.prot === 0) return null;
  const { file, copy, start, offset } = mapping;
  if (copy !== null) return copy[address - start] ?? 0;
  if (file === null) return 0;
  const { inode } = kernel.openedOf(file);
  return readContent(inode, kernel.disks, offset + address - start, 1)[0] ?? 0;
}

/** A store; false is a SIGSEGV. */
export function store(kernel: Kernel, by: Process, address: number, byte: number): boolean {
  const mapping = mappingAt(by, address);
  if (mapping === null || (mapping.prot & PROT.WRITE) === 0) return false;
  const { file, start, offset, bytes } = mapping;
  const inode = file === null ? null : kernel.openedOf(file).inode;
  if (mapping.isShared && inode !== null) {
    const at = offset + address - start;
    // Behind the end of the file, a SIGBUS.
    if (at >= sizeOf(inode, kernel.disks)) return false;
    writeContent(inode, kernel.disks, at, Uint8Array.of(byte));
    return true;
  }
  if (mapping.copy === null) {
    mapping.copy = new Uint8Array(bytes);
    if (inode !== null) mapping.copy.set(readContent(inode, kernel.disks, offset, bytes));
  }
  mapping.copy[address - start] = byte;
  return true;
}
