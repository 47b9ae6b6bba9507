/**
 * RAM as a bus master sees it. Only RAM answers: what a device does there never reaches a register, its own least of
 * all. Addresses and sizes come from guests and may be anything. PCI Local Bus Specification, "Bus Operation".
 */

export interface DmaMemory {
  /** A copy of `size` bytes; null when a part of them is no RAM. */
  read(address: number, size: number): Uint8Array | null;
  /** False, and nothing is written, when a part of the place is no RAM that can be written. */
  write(address: number, bytes: Uint8Array): boolean;
}
