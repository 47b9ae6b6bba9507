/** Kernels of a few instructions, as files that `--multiboot` takes. Multiboot Specification 0.6.96, "OS image format". */

const HEADER_BYTES = 32;
const MAGIC = 0x1bad_b002;
/** The addresses are in the header. */
const FLAGS = 0x1_0000;
const LOAD_ADDRESS = 0x10_0000;

/** 32-bit code, loaded at 1 MiB behind its header and entered at its first byte. */
export function multiboot(code: readonly number[]): Uint8Array {
  const image = new Uint8Array(HEADER_BYTES + code.length);
  const view = new DataView(image.buffer);
  const entry = LOAD_ADDRESS + HEADER_BYTES;
  [MAGIC, FLAGS, -(MAGIC + FLAGS), LOAD_ADDRESS, LOAD_ADDRESS, 0, 0, entry].forEach((word, i) => {
    view.setUint32(4 * i, word >>> 0, true);
  });
  image.set(code, HEADER_BYTES);
  return image;
}
