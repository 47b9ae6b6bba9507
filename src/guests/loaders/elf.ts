/**
 * ELF files as boot loaders read them: segments by their physical address, notes, entry point, 32 and 64 bits. System V
 * ABI, "Object Files", "Program Header", "Note Section". Sections are not looked at.
 */

import { InputError } from "../../sim/assert.ts";
import type { LoadedRam } from "../../hw/boards/firmware.ts";

export interface ElfSegment {
  readonly at: number;
  readonly bytes: Uint8Array;
  /** With what follows the bytes as zeros. */
  readonly size: number;
}

export interface ElfNote {
  readonly name: string;
  readonly type: number;
  readonly description: Uint8Array;
}

export interface ElfFile {
  readonly entry: number;
  /** Those with a size, in the order of their addresses. None overlaps another. */
  readonly segments: readonly ElfSegment[];
  readonly notes: readonly ElfNote[];
}

export type ElfClass = 32 | 64;

const MAGIC = 0x464c_457f;
const LITTLE_ENDIAN = 1;
const [PT_LOAD, PT_NOTE] = [1, 4] as const;
const NOTE_HEADER_BYTES = 12;

/** Offsets in the file header and in a program header, by class. */
interface Layout {
  readonly headerBytes: number;
  readonly entry: number;
  readonly programHeaders: number;
  readonly programHeaderSize: number;
  readonly programHeaderCount: number;
  readonly programHeaderBytes: number;
  readonly offset: number;
  readonly physical: number;
  readonly fileSize: number;
  readonly memorySize: number;
}

const LAYOUTS: Readonly<Record<ElfClass, Layout>> = {
  32: {
    headerBytes: 52,
    entry: 24,
    programHeaders: 28,
    programHeaderSize: 42,
    programHeaderCount: 44,
    programHeaderBytes: 32,
    offset: 4,
    physical: 12,
    fileSize: 16,
    memorySize: 20,
  },
  64: {
    headerBytes: 64,
    entry: 24,
    programHeaders: 32,
    programHeaderSize: 54,
    programHeaderCount: 56,
    programHeaderBytes: 56,
    offset: 8,
    physical: 24,
    fileSize: 32,
    memorySize: 40,
  },
};

/** The class of an ELF file of a little-endian machine; null for any other file. */
export function elfClass(file: Uint8Array): ElfClass | null {
  if (file.length < LAYOUTS[32].headerBytes || viewOf(file).getUint32(0, true) !== MAGIC)
    return null;
  if (file[5] !== LITTLE_ENDIAN) return null;
  if (file[4] === 1) return 32;
  return file[4] === 2 && file.length >= LAYOUTS[64].headerBytes ? 64 : null;
}

/** Throws InputError, which begins with `who`, when a header lies outside the file or contradicts itself. */
export function readElf(who: string, file: Uint8Array, bits: ElfClass): ElfFile {
  const view = viewOf(file);
  const layout = LAYOUTS[bits];
  const word = (at: number): number =>
    bits === 32 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
  const headers = word(layout.programHeaders);
  const step = view.getUint16(layout.programHeaderSize, true);
  const count = view.getUint16(layout.programHeaderCount, true);
  if (count > 0 && step < layout.programHeaderBytes)
    throw new InputError(`${who}: a program header has ${step} bytes`);
  const segments: ElfSegment[] = [];
  const notes: ElfNote[] = [];
  for (let i = 0; i < count; i += 1) {
    const at = headers + i * step;
    if (at + layout.programHeaderBytes > file.length)
      throw new InputError(`${who}: a program header lies outside the file`);
    const type = view.getUint32(at, true);
    if (type !== PT_LOAD && type !== PT_NOTE) continue;
    const [from, length] = [word(at + layout.offset), word(at + layout.fileSize)];
    const size = word(at + layout.memorySize);
    if (from + length > file.length || (type === PT_LOAD && size < length))
      throw new InputError(`${who}: segment ${i} does not fit the file`);
    const bytes = file.subarray(from, from + length);
    if (type === PT_NOTE) notes.push(...notesOf(bytes));
    else if (size > 0) segments.push({ at: word(at + layout.physical), bytes, size });
  }
  segments.sort((a, b) => a.at - b.at);
  checkSegments(who, segments);
  return { entry: word(layout.entry), segments, notes };
}

function checkSegments(who: string, segments: readonly ElfSegment[]): void {
  if (segments.length === 0) throw new InputError(`${who}: the file has nothing to load`);
  let end = 0;
  for (const { at, size } of segments) {
    if (at < end) throw new InputError(`${who}: two segments lie at 0x${at.toString(16)}`);
    end = at + size;
  }
}

/** What is cut off is left out. */
function notesOf(bytes: Uint8Array): readonly ElfNote[] {
  const view = viewOf(bytes);
  const notes: ElfNote[] = [];
  const aligned = (size: number): number => Math.ceil(size / 4) * 4;
  for (let at = 0; at + NOTE_HEADER_BYTES <= bytes.length; ) {
    const [nameSize, size] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
    const nameAt = at + NOTE_HEADER_BYTES;
    const from = nameAt + aligned(nameSize);
    if (from + size > bytes.length) break;
    notes.push({
      name: String.fromCharCode(...bytes.subarray(nameAt, nameAt + Math.min(nameSize, NAME_MOST))),
      type: view.getUint32(at + 8, true),
      description: bytes.subarray(from, from + size),
    });
    at = from + aligned(size);
  }
  return notes;
}

/** Of a name, its zero included. */
const NAME_MOST = 64;

/** Puts segments into memory and says where they end. */
export function loadSegments(who: string, ram: LoadedRam, segments: readonly ElfSegment[]): number {
  let end = 0;
  for (const { at, bytes, size } of segments) {
    if (!ram.contains(at, size))
      throw new InputError(
        `${who}: a segment ends at 0x${(at + size).toString(16)}, beyond memory`,
      );
    ram.fill(at, size, 0);
    ram.write(at, bytes);
    end = Math.max(end, at + size);
  }
  return end;
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
