/**
 * The firmware configuration device: items of bytes that a board offers to its guest, by port or by DMA. QEMU manual,
 * "QEMU Firmware Configuration (fw_cfg) Device".
 * Not modelled: items that a guest can write.
 */

import type { Chip } from "./chip.ts";
import type { DmaMemory } from "./dma.ts";

/** By selector; what is not there is empty. The bytes must not change. */
export type FwCfgItems = ReadonlyMap<number, Uint8Array>;

export interface FwCfg {
  selector: number;
  /** Of the next byte of the item. */
  offset: number;
  dmaHigh: number;
}

export function fwCfg(items: FwCfgItems, memory: DmaMemory): Chip<FwCfg, never> {
  const device = { items, memory };
  return {
    name: "fw-cfg",
    cites: "QEMU manual, QEMU Firmware Configuration (fw_cfg) Device",
    powerOn: () => ({ selector: 0, offset: 0, dmaHigh: 0 }),
    registers: {
      Selector: { at: 0, size: 2, write: select },
      Data: { at: 1, read: (s) => readByte(s, device) },
      // "QEMU CFG", and addresses, are big-endian.
      "DMA Address high": {
        at: 4,
        size: 4,
        read: () => 0x554d_4551,
        write: (s, value) => {
          s.dmaHigh = swapped(value);
        },
      },
      "DMA Address low": {
        at: 8,
        size: 4,
        read: () => 0x4746_4320,
        write: (s, value) => transfer(s, swapped(value), device),
      },
    },
    inputs: {},
    wires: () => ({}),
    deadline: () => null,
    advance: () => {},
  };
}

interface Device {
  readonly items: FwCfgItems;
  readonly memory: DmaMemory;
}

/** Bit 14 asks for the item to be written, which none can be. */
const SELECTOR_BITS = 0xbfff;

function select(s: FwCfg, value: number): void {
  s.selector = value & SELECTOR_BITS;
  s.offset = 0;
}

/** Behind the end of an item are zeros. */
function readByte(s: FwCfg, { items }: Device): number {
  const item = items.get(s.selector);
  if (item === undefined || s.offset >= item.length) return 0;
  const byte = item[s.offset] ?? 0;
  s.offset += 1;
  return byte;
}

// DMA

/** The structure FWCfgDmaAccess: control, length and address. */
const ACCESS_SIZE = 16;
const ERROR = 1;
const READ = 2;
const SKIP = 4;
const SELECT = 8;
const WRITE = 16;

/** Bytes at a time, since lengths come from guests. */
const CHUNK = 0x1_0000;

function swapped(value: number): number {
  return (
    ((value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0
  );
}

/** Writing the low half of the address does all of it at once; control is 0 afterwards, or says that it failed. */
function transfer(s: FwCfg, low: number, device: Device): void {
  const place = s.dmaHigh * 0x1_0000_0000 + low;
  s.dmaHigh = 0;
  const access = Number.isSafeInteger(place) ? device.memory.read(place, ACCESS_SIZE) : null;
  if (access === null) return;
  const view = new DataView(access.buffer, access.byteOffset, ACCESS_SIZE);
  const control = view.getUint32(0);
  const length = view.getUint32(4);
  const address = Number(view.getBigUint64(8));
  if ((control & SELECT) !== 0) select(s, control >>> 16);
  let isDone = true;
  if ((control & READ) !== 0) isDone = copy(s, address, length, device);
  else if ((control & WRITE) !== 0) isDone = false;
  else if ((control & SKIP) !== 0) skip(s, length, device);
  const result = new Uint8Array(4);
  result[3] = isDone ? 0 : ERROR;
  device.memory.write(place, result);
}

function skip(s: FwCfg, length: number, { items }: Device): void {
  s.offset = Math.min(s.offset + length, items.get(s.selector)?.length ?? 0);
}

/** False when a part of the place is no RAM; what comes before it has been written. */
function copy(s: FwCfg, address: number, length: number, device: Device): boolean {
  const item = device.items.get(s.selector) ?? NOTHING;
  for (let done = 0; done < length; ) {
    const size = Math.min(CHUNK, length - done);
    const place = address + done;
    if (!Number.isSafeInteger(place + size)) return false;
    const bytes = new Uint8Array(size);
    bytes.set(item.subarray(s.offset, s.offset + size));
    if (!device.memory.write(place, bytes)) return false;
    s.offset = Math.min(s.offset + size, item.length);
    done += size;
  }
  return true;
}

const NOTHING = new Uint8Array(0);
