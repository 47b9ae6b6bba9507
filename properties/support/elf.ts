/** ELF files made of segments and notes. System V ABI, "Object Files", "Program Header", "Note Section". */

export interface ElfParts {
  readonly bits: 32 | 64;
  readonly entry: number;
  readonly segments: readonly {
    readonly at: number;
    readonly bytes: Uint8Array;
    readonly size: number;
  }[];
  readonly notes: readonly {
    readonly name: string;
    readonly type: number;
    readonly description: readonly number[];
  }[];
}

/** A file header, program headers, notes, and the segments' bytes. */
export function elfOf({ bits, entry, segments, notes }: ElfParts): Uint8Array {
  const isLong = bits === 64;
  const [headerBytes, programBytes] = isLong ? [64, 56] : [52, 32];
  const noteBytes = notes.flatMap(noteOf);
  const notesAt = headerBytes + programBytes * (segments.length + 1);
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes.length, 0);
  const file = new Uint8Array(notesAt + noteBytes.length + bytes);
  const view = new DataView(file.buffer);
  const put = (at: number, values: readonly (readonly [size: number, value: number])[]): void => {
    let to = at;
    for (const [size, value] of values) {
      if (size === 8) view.setBigUint64(to, BigInt(value), true);
      else if (size === 4) view.setUint32(to, value, true);
      else view.setUint16(to, value, true);
      to += size;
    }
  };
  const word = isLong ? 8 : 4;
  file.set([0x7f, 0x45, 0x4c, 0x46, isLong ? 2 : 1, 1, 1]);
  put(16, [
    [2, 2],
    [2, isLong ? 62 : 3],
    [4, 1],
    [word, entry],
    [word, headerBytes],
    [word, 0],
    [4, 0],
    [2, headerBytes],
    [2, programBytes],
    [2, segments.length + 1],
  ]);
  const program = (
    i: number,
    type: number,
    { offset, at, length, size }: Record<"offset" | "at" | "length" | "size", number>,
  ): void => {
    const head = isLong
      ? ([
          [4, type],
          [4, 7],
        ] as const)
      : ([[4, type]] as const);
    const tail = isLong
      ? ([[8, 1]] as const)
      : ([
          [4, 7],
          [4, 1],
        ] as const);
    const middle = [offset, 0, at, length, size].map((value) => [word, value] as const);
    put(headerBytes + programBytes * i, [...head, ...middle, ...tail]);
  };
  program(0, 4, { offset: notesAt, at: 0, length: noteBytes.length, size: noteBytes.length });
  file.set(noteBytes, notesAt);
  let offset = notesAt + noteBytes.length;
  segments.forEach((segment, i) => {
    const { length } = segment.bytes;
    program(i + 1, 1, { offset, at: segment.at, length, size: segment.size });
    file.set(segment.bytes, offset);
    offset += length;
  });
  return file;
}

function noteOf({ name, type, description }: ElfParts["notes"][number]): readonly number[] {
  const text = Array.from(name, (character) => character.charCodeAt(0));
  const words = [text.length, description.length, type];
  return [...words.flatMap(littleEndian), ...padded(text), ...padded(description)];
}

const padded = (bytes: readonly number[]): readonly number[] => [
  ...bytes,
  ...Array.from({ length: -bytes.length & 3 }, () => 0),
];

export const littleEndian = (value: number): readonly number[] =>
  [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

/** 32-bit code at 1 MiB that is entered by PVH at its first byte. */
export const pvhKernel = (code: readonly number[], bits: 32 | 64 = 64): Uint8Array =>
  elfOf({
    bits,
    entry: 0,
    segments: [{ at: 0x10_0000, bytes: Uint8Array.from(code), size: code.length }],
    notes: [{ name: "Xen\0", type: 18, description: littleEndian(0x10_0000) }],
  });
