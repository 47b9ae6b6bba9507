/** The files that a disk lies on: as the domain says, or as the headers of its qcow2 files say; what is in a raw file is the guest's and says nothing. libvirt, docs/formatdomain.rst, backingStore; CVE-2010-2237, CVE-2010-2238. */

import { InputError } from "../../sim/assert.ts";
import { qcow2Backing } from "../qcow2-header.ts";
import type { DiskSource } from "./domain-definition.ts";

/** The beginning of a file; null when it cannot be read. */
export type ReadHeader = (path: string) => Uint8Array | null;

const DEEPEST = 200;

/** With a chain that ends. Throws InputError for one that cannot be made out. */
export function wholeChain(source: DiskSource, read: ReadHeader, depth = 0): DiskSource {
  const { path, format } = source;
  if (depth === DEEPEST)
    throw new InputError(`${path}: its backing chain is longer than ${DEEPEST}`);
  if (source.backing === null) return source;
  if (source.backing !== undefined)
    return { path, format, backing: wholeChain(source.backing, read, depth + 1) };
  if (format === "raw") return { path, format, backing: null };
  const below = backingOf(path, read);
  return { path, format, backing: below === null ? null : wholeChain(below, read, depth + 1) };
}

function backingOf(path: string, read: ReadHeader): DiskSource | null {
  const header = read(path);
  const backing = header === null ? null : qcow2Backing(header);
  if (backing === null || backing.kind === "damaged")
    throw new InputError(`${path}: expected a qcow2 file`);
  if (backing.kind === "none") return null;
  const { format } = backing;
  if (format !== "raw" && format !== "qcow2")
    throw new InputError(
      `${path}: it says no format of its backing file that is known, and none is guessed`,
    );
  return { path: backing.path, format };
}
