import { describe, expect, test } from "vitest";
import type { DmaMemory } from "./dma.ts";
import { fwCfg } from "./fw-cfg.ts";
import { FW_CFG, fwCfgItems } from "./fw-cfg-items.ts";
import { powerOn, Socket } from "./socket.ts";

const RAM = 0x10_0000;

function machine() {
  const ram = new Uint8Array(RAM);
  const memory: DmaMemory = {
    read: (address, size) => (address + size > RAM ? null : ram.slice(address, address + size)),
    write: (address, bytes) => {
      if (address + bytes.length > RAM) return false;
      ram.set(bytes, address);
      return true;
    },
  };
  const items = fwCfgItems({
    ramBytes: 0x1_2345_6789,
    cpus: 3,
    kernel: { address: 0x10_0000, data: Uint8Array.of(1, 2, 3, 4, 5) },
    commandLine: { address: 0x2_0000, data: Uint8Array.of(0x71, 0) },
    files: { "etc/table-loader": Uint8Array.of(9), "etc/e820": Uint8Array.of(7, 8) },
  });
  const chip = fwCfg(items, memory);
  const socket = new Socket(chip, { value: powerOn(chip) });
  const bytes = (selector: number, count: number): number[] => {
    socket.write(0, 2, selector, 0);
    return Array.from({ length: count }, () => socket.read(1, 1, 0));
  };
  /** The structure at 1000h, and control afterwards. */
  const dma = (control: number, length: number, address: bigint, place = 0x1000): number => {
    const view = new DataView(ram.buffer);
    if (place + 16 <= RAM) {
      view.setUint32(place, control);
      view.setUint32(place + 4, length);
      view.setBigUint64(place + 8, address);
    }
    const swapped = new DataView(new ArrayBuffer(4));
    swapped.setUint32(0, place);
    socket.write(4, 4, 0, 0);
    socket.write(8, 4, swapped.getUint32(0, true), 0);
    return place + 16 <= RAM ? view.getUint32(place) : -1;
  };
  return { socket, ram, bytes, dma };
}

const chars = (text: string): number[] => Array.from(text, (char) => char.charCodeAt(0));

test("signature, ID, numbers in little-endian, zeros behind the end", () => {
  const { bytes } = machine();
  expect(bytes(FW_CFG.SIGNATURE, 6)).toEqual([...chars("QEMU"), 0, 0]);
  expect(bytes(FW_CFG.ID, 4)).toEqual([3, 0, 0, 0]);
  expect(bytes(FW_CFG.RAM_SIZE, 8)).toEqual([0x89, 0x67, 0x45, 0x23, 1, 0, 0, 0]);
  expect([bytes(FW_CFG.NB_CPUS, 2), bytes(FW_CFG.MAX_CPUS, 2)]).toEqual([
    [3, 0],
    [3, 0],
  ]);
  expect(bytes(FW_CFG.KERNEL_ADDR, 4)).toEqual([0, 0, 0x10, 0]);
  expect(bytes(FW_CFG.KERNEL_SIZE, 4)).toEqual([5, 0, 0, 0]);
  expect(bytes(FW_CFG.CMDLINE_DATA, 2)).toEqual([0x71, 0]);
  expect(bytes(0x7777, 3)).toEqual([0, 0, 0]);
});

test("the directory of files is big-endian and sorted", () => {
  const { bytes } = machine();
  const directory = bytes(FW_CFG.FILE_DIR, 4 + 2 * 64);
  expect(directory.slice(0, 4)).toEqual([0, 0, 0, 2]);
  expect(directory.slice(4, 12)).toEqual([0, 0, 0, 2, 0, 0x20, 0, 0]);
  expect(directory.slice(12, 21)).toEqual([...chars("etc/e820"), 0]);
  expect(directory.slice(68, 76)).toEqual([0, 0, 0, 1, 0, 0x21, 0, 0]);
  expect([bytes(0x20, 2), bytes(0x21, 1)]).toEqual([[7, 8], [9]]);
});

describe("DMA", () => {
  const SELECT_KERNEL = (FW_CFG.KERNEL_DATA << 16) | 8;

  test("its address reads as its signature", () => {
    const { socket } = machine();
    const read = [4, 5, 6, 7, 8, 9, 10, 11].map((at) => socket.read(at, 1, 0));
    expect(read).toEqual(chars("QEMU CFG"));
  });

  test("selects, skips, reads, and goes on where the port goes on", () => {
    const { ram, dma, socket } = machine();
    ram.fill(0xee, 0x2000, 0x2010);
    expect(dma(SELECT_KERNEL | 4, 1, 0n)).toBe(0);
    expect(dma(2, 2, 0x2000n)).toBe(0);
    expect(Array.from(ram.subarray(0x2000, 0x2003))).toEqual([2, 3, 0xee]);
    expect(socket.read(1, 1, 0)).toBe(4);
    expect(dma(2, 3, 0x2000n)).toBe(0);
    expect(Array.from(ram.subarray(0x2000, 0x2004))).toEqual([5, 0, 0, 0xee]);
  });

  test("a write, or a place that is no RAM, is an error", () => {
    const { dma } = machine();
    expect(dma(SELECT_KERNEL | 16, 1, 0x2000n)).toBe(1);
    expect(dma(SELECT_KERNEL | 2, 0xffff_ffff, 0x2000n)).toBe(1);
    expect(dma(SELECT_KERNEL | 2, 4, 0xffff_ffff_ffff_fffen)).toBe(1);
    expect(dma(SELECT_KERNEL | 2, 0, 0n, RAM - 4)).toBe(-1);
  });
});
