/** What a qcow2 file says of the file that it lies on. QEMU, docs/interop/qcow2.rst, Header and Header extensions. */

/** What could not be made out is `damaged`. */
export type Qcow2Backing =
  | { readonly kind: "none" }
  | { readonly kind: "damaged" }
  | {
      readonly kind: "file";
      readonly path: string;
      /** Null when the header does not say it: then nobody may guess it from what is in the file. */
      readonly format: string | null;
    };

const MAGIC = 0x5146_49fb;
const BACKING_FORMAT = 0xe279_2aca;
const HEADER_V2 = 72;
const LONGEST_NAME = 1023;

/** `bytes`: the first cluster of the file. */
export function qcow2Backing(bytes: Uint8Array): Qcow2Backing {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_V2 || view.getUint32(0) !== MAGIC) return { kind: "damaged" };
  const offset = view.getUint32(8) === 0 ? view.getUint32(12) : bytes.length;
  const length = view.getUint32(16);
  if (offset === 0) return { kind: "none" };
  if (length === 0 || length > LONGEST_NAME || offset + length > bytes.length)
    return { kind: "damaged" };
  const path = textOf(bytes.subarray(offset, offset + length));
  return { kind: "file", path, format: backingFormat(view, offset) };
}

/** Extensions lie between the header and the name. */
function backingFormat(view: DataView, end: number): string | null {
  const version = view.getUint32(4);
  let at = version === 2 ? HEADER_V2 : view.getUint32(100);
  while (at + 8 <= end) {
    const [type, length] = [view.getUint32(at), view.getUint32(at + 4)];
    if (type === 0 || at + 8 + length > end) return null;
    if (type === BACKING_FORMAT)
      return textOf(new Uint8Array(view.buffer, view.byteOffset + at + 8, length));
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return null;
}

const textOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
