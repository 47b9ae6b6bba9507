/**
 * A PCI bus: which function answers an access, computed from what the functions' configuration spaces say. PCI Local Bus
 * Specification, Revision 3.0, "Configuration Mechanism #1" (called "Software Generation of Configuration
 * Transactions"); PCI Express Base Specification, "PCI Express Enhanced Configuration Access Mechanism (ECAM)". The
 * functions are hosted by whoever builds the bus, which keeps no state of its own: CONFADD lies in the host bridge.
 */

import type { AccessSize } from "../socket.ts";
import { barAddress, barPlace, type PciState } from "./configuration-space.ts";
import type { PciFunction } from "./function.ts";
import { CONFADD } from "./i440fx.ts";

/** A chip in its place. */
interface Hosted {
  readonly state: object;
  read(offset: number, size: AccessSize): number;
  write(offset: number, size: AccessSize, value: number): void;
}

/** A function and its number; `chip` says what it is, and `hosted` answers for it. */
export interface PciSlot {
  readonly device: number;
  readonly function: number;
  readonly chip: Pick<PciFunction, "bars">;
  readonly hosted: Hosted;
}

const CONFIG_ADDRESS = 0xcf8;
const CONFIG_DATA = 0xcfc;
const ENABLE = 2 ** 31;
/** One function's part of ECAM. */
const FUNCTION_BYTES = 0x1000;
const ECAM_BYTES = 0x1000_0000;
const SPACE = 0x100;

interface Hit {
  readonly hosted: Hosted;
  readonly offset: number;
}

export class PciBus {
  readonly slots: readonly PciSlot[];
  readonly #ecamBase: number | null;
  /** By device and function. */
  readonly #functions = new Map<number, PciSlot>();

  /** The host bridge is function 0 of device 0. Without `ecamBase` there is no ECAM. */
  constructor(slots: readonly PciSlot[], ecamBase: number | null = null) {
    this.slots = slots;
    this.#ecamBase = ecamBase;
    for (const slot of slots) this.#functions.set(slot.device * 8 + slot.function, slot);
  }

  /** `offset` and `size` lie in one double word. There is one bus; a function that does not exist reads as ones. */
  readConfig(
    bus: number,
    device: number,
    number: number,
    offset: number,
    size: AccessSize,
  ): number {
    const slot = bus === 0 ? this.#functions.get(device * 8 + number) : undefined;
    if (slot === undefined || offset >= SPACE) return ones(size);
    return slot.hosted.read(offset, size);
  }

  writeConfig(
    bus: number,
    device: number,
    number: number,
    offset: number,
    size: AccessSize,
    value: number,
  ): void {
    const slot = bus === 0 ? this.#functions.get(device * 8 + number) : undefined;
    if (slot !== undefined && offset < SPACE) slot.hosted.write(offset, size, value);
  }

  /** Null when nobody claims it. `size` is 1, 2, 4 or 8. */
  readMemory(address: number, size: number): bigint | null {
    const ecam = this.#inEcam(address);
    const hit = ecam === null ? this.#claim(address, "memory") : null;
    if (ecam === null && hit === null) return null;
    let value = 0n;
    for (const [at, count] of words(address, size)) {
      const part =
        ecam === null
          ? (hit as Hit).hosted.read((hit as Hit).offset + at, count)
          : this.#atEcam(ecam + at, (b, d, f, offset) => this.readConfig(b, d, f, offset, count));
      value |= BigInt(part) << BigInt(8 * at);
    }
    return value;
  }

  /** False when nobody claims it. */
  writeMemory(address: number, size: number, value: bigint): boolean {
    const ecam = this.#inEcam(address);
    const hit = ecam === null ? this.#claim(address, "memory") : null;
    if (ecam === null && hit === null) return false;
    for (const [at, count] of words(address, size)) {
      const part = Number((value >> BigInt(8 * at)) & BigInt(ones(count)));
      if (ecam === null) (hit as Hit).hosted.write((hit as Hit).offset + at, count, part);
      else
        this.#atEcam(ecam + at, (b, d, f, offset) =>
          this.writeConfig(b, d, f, offset, count, part),
        );
    }
    return true;
  }

  /** Null when nobody claims it: CONFADD takes double words only, so other ports may lie there. */
  readPort(port: number, size: AccessSize): number | null {
    if (port === CONFIG_ADDRESS && size === 4) return this.#hostBridge()?.read(CONFADD, 4) ?? null;
    if (port >= CONFIG_DATA && port + size <= CONFIG_DATA + 4) {
      const at = this.#selected();
      return at === null
        ? ones(size)
        : this.readConfig(at.bus, at.device, at.function, at.offset + port - CONFIG_DATA, size);
    }
    const hit = this.#claim(port, "io");
    return hit === null ? null : hit.hosted.read(hit.offset, size);
  }

  writePort(port: number, size: AccessSize, value: number): boolean {
    if (port === CONFIG_ADDRESS && size === 4) {
      this.#hostBridge()?.write(CONFADD, 4, value);
      return true;
    }
    if (port >= CONFIG_DATA && port + size <= CONFIG_DATA + 4) {
      const at = this.#selected();
      if (at !== null) {
        const offset = at.offset + port - CONFIG_DATA;
        this.writeConfig(at.bus, at.device, at.function, offset, size, value);
      }
      return true;
    }
    const hit = this.#claim(port, "io");
    hit?.hosted.write(hit.offset, size, value);
    return hit !== null;
  }

  #hostBridge(): Hosted | undefined {
    return this.#functions.get(0)?.hosted;
  }

  /** What CONFADD names, while its enable bit is set. */
  #selected(): { bus: number; device: number; function: number; offset: number } | null {
    const address = this.#hostBridge()?.read(CONFADD, 4) ?? 0;
    if (address < ENABLE) return null;
    return {
      bus: (address >> 16) & 0xff,
      device: (address >> 11) & 0x1f,
      function: (address >> 8) & 7,
      offset: address & 0xfc,
    };
  }

  /** The first function one of whose BARs holds the address. */
  #claim(address: number, space: "memory" | "io"): Hit | null {
    for (const { chip, hosted } of this.slots) {
      for (const bar of chip.bars) {
        if ((bar.kind === "io") !== (space === "io")) continue;
        const base = barAddress(hosted.state as PciState, bar);
        if (base !== null && address >= base && address < base + bar.sizeBytes)
          return { hosted, offset: barPlace(bar.index) + address - base };
      }
    }
    return null;
  }

  #inEcam(address: number): number | null {
    const base = this.#ecamBase;
    if (base === null || address < base || address >= base + ECAM_BYTES) return null;
    return address - base;
  }

  #atEcam<T>(
    at: number,
    access: (bus: number, device: number, number: number, offset: number) => T,
  ): T {
    const number = Math.floor(at / FUNCTION_BYTES);
    return access(number >> 8, (number >> 3) & 0x1f, number & 7, at % FUNCTION_BYTES);
  }
}

/** Which of PIRQA# to PIRQD# (0 to 3) a function's interrupt pin (1 to 4) leads to on this board. */
export const pirqOf = (device: number, pin: number): number => (device + pin + 2) & 3;

const ones = (size: AccessSize): number => (size === 4 ? 0xffff_ffff : (1 << (8 * size)) - 1);

/** An access in pieces of which none crosses a double word, as the bus has them. */
function words(address: number, size: number): [at: number, count: AccessSize][] {
  const pieces: [number, AccessSize][] = [];
  for (let at = 0; at < size; ) {
    const rest = Math.min(size - at, 4 - ((address + at) % 4));
    const count = rest === 3 ? 1 : (rest as AccessSize);
    pieces.push([at, count]);
    at += count;
  }
  return pieces;
}
