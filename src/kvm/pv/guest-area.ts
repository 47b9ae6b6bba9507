/** Memory that a guest has named for the module to write: Linux, virt/kvm/kvm_main.c, kvm_write_guest. */

import { PAGE_SIZE } from "../../sim/paged-memory.ts";
import type { Vm } from "../vm.ts";

/** Of an area: where its part in a page begins, and the physical address there. */
interface Piece {
  readonly from: number;
  readonly bytes: number;
  readonly at: number;
}

/** No address of memory is wider. */
const MOST_ADDRESS = 2n ** 52n;

/** Null unless there is memory for all of it. */
function piecesOf(vm: Vm, address: bigint, size: number, write: boolean): readonly Piece[] | null {
  if (address >= MOST_ADDRESS) return null;
  const pieces: Piece[] = [];
  for (let from = 0; from < size; ) {
    const here = Number(address) + from;
    const bytes = Math.min(size - from, PAGE_SIZE - (here % PAGE_SIZE));
    const at = vm.place(here, write);
    if (at === null) return null;
    pieces.push({ from, bytes, at });
    from += bytes;
  }
  return pieces;
}

export function readGuest(vm: Vm, address: bigint, size: number): Uint8Array | null {
  const pieces = piecesOf(vm, address, size, false);
  if (pieces === null) return null;
  const into = new Uint8Array(size);
  for (const { from, bytes, at } of pieces)
    vm.kvm.host.physical.load(at, into.subarray(from, from + bytes));
  return into;
}

/** False, and nothing is written, where the guest has no memory to write. */
export function writeGuest(vm: Vm, address: bigint, bytes: Uint8Array): boolean {
  const pieces = piecesOf(vm, address, bytes.length, true);
  for (const { from, bytes: count, at } of pieces ?? [])
    vm.kvm.host.physical.store(at, bytes.subarray(from, from + count));
  return pieces !== null;
}

/** Reads a structure, changes it and writes it back; false where there is no memory. */
export function changeGuest(
  vm: Vm,
  address: bigint,
  size: number,
  change: (view: DataView) => void,
): boolean {
  const bytes = readGuest(vm, address, size);
  if (bytes === null) return false;
  change(new DataView(bytes.buffer));
  return writeGuest(vm, address, bytes);
}

/** The next version that is none of a structure in the making; nobody sees those, since the module takes no time. */
export const nextVersion = (version: number): number => ((version | 1) + 1) >>> 0;
