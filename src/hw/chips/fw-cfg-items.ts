/**
 * The items of the firmware configuration device that have numbers of their own, and the directory of those that have
 * names. QEMU manual, "QEMU Firmware Configuration (fw_cfg) Device"; numbers of the items: SeaBIOS and Linux have the same.
 */

import { assert } from "../../sim/assert.ts";
import type { FwCfgItems } from "./fw-cfg.ts";

export const FW_CFG = {
  SIGNATURE: 0x00,
  ID: 0x01,
  UUID: 0x02,
  RAM_SIZE: 0x03,
  NOGRAPHIC: 0x04,
  NB_CPUS: 0x05,
  KERNEL_ADDR: 0x07,
  KERNEL_SIZE: 0x08,
  INITRD_ADDR: 0x0a,
  INITRD_SIZE: 0x0b,
  BOOT_DEVICE: 0x0c,
  BOOT_MENU: 0x0e,
  MAX_CPUS: 0x0f,
  KERNEL_ENTRY: 0x10,
  KERNEL_DATA: 0x11,
  INITRD_DATA: 0x12,
  CMDLINE_ADDR: 0x13,
  CMDLINE_SIZE: 0x14,
  CMDLINE_DATA: 0x15,
  SETUP_ADDR: 0x16,
  SETUP_SIZE: 0x17,
  SETUP_DATA: 0x18,
  FILE_DIR: 0x19,
  FILE_FIRST: 0x20,
} as const;

/** Bytes, and where the guest's loader puts them. */
interface Placed {
  readonly address: number;
  readonly data: Uint8Array;
}

export interface FwCfgOffer {
  readonly ramBytes: number;
  readonly cpus: number;
  /** A Linux image in its parts, for firmware that boots it. */
  readonly setup?: Placed;
  readonly kernel?: Placed;
  readonly initrd?: Placed;
  readonly commandLine?: Placed;
  /** Files by name, as `etc/e820`. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

export function fwCfgItems(offer: FwCfgOffer): FwCfgItems {
  const items = new Map<number, Uint8Array>([
    [FW_CFG.SIGNATURE, text("QEMU")],
    // Ports, and DMA.
    [FW_CFG.ID, number(3, 4)],
    [FW_CFG.UUID, new Uint8Array(16)],
    [FW_CFG.RAM_SIZE, number(offer.ramBytes, 8)],
    [FW_CFG.NOGRAPHIC, number(1, 2)],
    [FW_CFG.NB_CPUS, number(offer.cpus, 2)],
    [FW_CFG.MAX_CPUS, number(offer.cpus, 2)],
    [FW_CFG.BOOT_MENU, number(0, 2)],
  ]);
  place(items, offer.setup, FW_CFG.SETUP_ADDR, FW_CFG.SETUP_SIZE, FW_CFG.SETUP_DATA);
  place(items, offer.kernel, FW_CFG.KERNEL_ADDR, FW_CFG.KERNEL_SIZE, FW_CFG.KERNEL_DATA);
  place(items, offer.initrd, FW_CFG.INITRD_ADDR, FW_CFG.INITRD_SIZE, FW_CFG.INITRD_DATA);
  place(items, offer.commandLine, FW_CFG.CMDLINE_ADDR, FW_CFG.CMDLINE_SIZE, FW_CFG.CMDLINE_DATA);
  addFiles(items, offer.files ?? {});
  return items;
}

function place(
  items: Map<number, Uint8Array>,
  part: Placed | undefined,
  address: number,
  size: number,
  data: number,
): void {
  if (part === undefined) return;
  items.set(address, number(part.address, 4));
  items.set(size, number(part.data.length, 4));
  items.set(data, part.data);
}

const NAME_SIZE = 56;
const ENTRY_SIZE = 64;

/** The directory, big-endian, in the order of names. */
function addFiles(
  items: Map<number, Uint8Array>,
  files: Readonly<Record<string, Uint8Array>>,
): void {
  const names = Object.keys(files).toSorted((a, b) => (a < b ? -1 : 1));
  const directory = new Uint8Array(4 + ENTRY_SIZE * names.length);
  const view = new DataView(directory.buffer);
  view.setUint32(0, names.length);
  for (const [i, name] of names.entries()) {
    assert(name.length < NAME_SIZE, "the name of a file fits into its entry");
    const bytes = files[name] as Uint8Array;
    const selector = FW_CFG.FILE_FIRST + i;
    const entry = 4 + ENTRY_SIZE * i;
    view.setUint32(entry, bytes.length);
    view.setUint16(entry + 4, selector);
    directory.set(text(name), entry + 8);
    items.set(selector, bytes);
  }
  items.set(FW_CFG.FILE_DIR, directory);
}

const text = (value: string): Uint8Array => Uint8Array.from(value, (char) => char.charCodeAt(0));

/** Items of one number are little-endian. */
function number(value: number, size: 2 | 4 | 8): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes.subarray(0, size);
}
