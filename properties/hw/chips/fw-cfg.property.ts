/** Laws of the firmware configuration device. */

import fc from "fast-check";
import type { DmaMemory } from "../../../src/hw/chips/dma.ts";
import { fwCfg } from "../../../src/hw/chips/fw-cfg.ts";
import { powerOn, Socket } from "../../../src/hw/chips/socket.ts";
import { firstDifference } from "../../../src/sim/data.ts";
import { law } from "../../support/law.ts";

law("an-item-is-read-in-any-pieces", {
  says: "Whatever is read by port, read by DMA or skipped piece by piece, the bytes are those of the item in order, and zeros behind its end; no other byte of memory changes.",
  cites: "QEMU manual, QEMU Firmware Configuration (fw_cfg) Device",
  forAll: {
    item: fc.uint8Array({ maxLength: 300, size: "max" }),
    pieces: fc.array(fc.record({ how: fc.constantFrom("port", "DMA", "skip"), size: fc.nat(90) }), {
      minLength: 1,
      maxLength: 8,
    }),
  },
  holds: ({ item, pieces }) => {
    const ram = new Uint8Array(0x1000).fill(0xee);
    const memory: DmaMemory = {
      read: (address, size) => ram.slice(address, address + size),
      write: (address, bytes) => {
        ram.set(bytes, address);
        return true;
      },
    };
    const chip = fwCfg(new Map([[0x20, item]]), memory);
    const socket = new Socket(chip, { value: powerOn(chip) });
    socket.write(0, 2, 0x20, 0);
    let offset = 0;
    for (const { how, size } of pieces) {
      const expected = Array.from({ length: size }, (_, i) => item[offset + i] ?? 0);
      const seen = how === "port" ? byPort(socket, size) : byDma(socket, ram, how, size);
      if (how !== "skip" && firstDifference(seen, expected) !== null)
        throw new Error(`${seen.join()} instead of ${expected.join()}`);
      offset += size;
    }
    return ram.subarray(0x10).every((byte) => byte === 0xee);
  },
});

// Helpers

const BUFFER = 0x200;

const byPort = (socket: Socket<never> | Socket, size: number): readonly number[] =>
  Array.from({ length: size }, () => socket.read(1, 1, 0));

/** With the structure at 0, and everything as before afterwards. */
function byDma(
  socket: { write(offset: number, size: 4, value: number, now: number): void },
  ram: Uint8Array,
  how: string,
  size: number,
): readonly number[] {
  const view = new DataView(ram.buffer);
  view.setUint32(0, how === "skip" ? 4 : 2);
  view.setUint32(4, size);
  view.setBigUint64(8, BigInt(BUFFER));
  socket.write(4, 4, 0, 0);
  socket.write(8, 4, 0, 0);
  if (view.getUint32(0) !== 0) throw new Error("DMA failed");
  const bytes = Array.from(ram.subarray(BUFFER, BUFFER + size));
  ram.fill(0xee, BUFFER, BUFFER + size);
  return bytes;
}
