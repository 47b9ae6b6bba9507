/**
 * The ELF file inside a Linux kernel's bzImage, where that is compressed by LZ4, as Debian's is. The kernel's
 * documentation, "The Linux/x86 Boot Protocol", payload_offset; LZ4's, "Legacy frame", "LZ4 Block Format Description".
 */

import { assert } from "../../src/sim/assert.ts";

const [SETUP_SECTORS, PAYLOAD_OFFSET, PAYLOAD_LENGTH] = [0x1f1, 0x248, 0x24c] as const;
const LEGACY_FRAME = 0x184c_2102;
const LEAST_MATCH = 4;

export function vmlinuxOf(kernel: Uint8Array): Uint8Array {
  const header = new DataView(kernel.buffer, kernel.byteOffset, kernel.byteLength);
  const setup = 512 * (header.getUint8(SETUP_SECTORS) + 1);
  const from = setup + header.getUint32(PAYLOAD_OFFSET, true);
  const payload = kernel.subarray(from, from + header.getUint32(PAYLOAD_LENGTH, true));
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  assert(view.getUint32(0, true) === LEGACY_FRAME, "the kernel is compressed by LZ4");
  // The kernel's build appends the size.
  const end = payload.length - 4;
  const out = new Uint8Array(view.getUint32(end, true));
  let length = 0;
  for (let at = 4; at < end; ) {
    const size = view.getUint32(at, true);
    length = unpackBlock(payload.subarray(at + 4, at + 4 + size), out, length);
    at += 4 + size;
  }
  assert(length === out.length, "all of the kernel is there");
  return out;
}

/** Sequences of literals and of matches in what is already there. Says where the next block goes. */
function unpackBlock(block: Uint8Array, out: Uint8Array, start: number): number {
  let [at, to] = [0, start];
  const next = (): number => block[at++] as number;
  const more = (nibble: number): number => {
    let length = nibble;
    for (let byte = nibble === 15 ? 255 : 0; byte === 255; length += byte) byte = next();
    return length;
  };
  while (at < block.length) {
    const token = next();
    const literals = more(token >> 4);
    out.set(block.subarray(at, at + literals), to);
    at += literals;
    to += literals;
    if (at >= block.length) break;
    const distance = next() + 256 * next();
    const match = LEAST_MATCH + more(token & 15);
    for (let i = 0; i < match; i += 1, to += 1) out[to] = out[to - distance] as number;
  }
  return to;
}
