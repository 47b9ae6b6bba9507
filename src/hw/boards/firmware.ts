/**
 * What firmware leaves behind when it hands over to an operating system, for machines that boot a kernel without it:
 * PCI resources, memory types, and interrupts of the i8259s through LINT0. SDM Vol. 3, "Local APIC State After It Has
 * Been Software Disabled", "IA32_MTRR_DEF_TYPE MSR"; MultiProcessor Specification 1.4, "Virtual Wire Mode".
 */

import type { PagedMemory } from "../../sim/paged-memory.ts";
import type { CpuProfile } from "../cpu/cpuid/profile.ts";
import type { AcpiDescription } from "./acpi/description.ts";
import type { E820Entry } from "./acpi/e820.ts";
import { acpiTables } from "./acpi/tables.ts";
import type { PlacedChip } from "./placed-chip.ts";

/** Memory as firmware and loaders fill it. */
export type LoadedRam = Pick<
  PagedMemory,
  "sizeBytes" | "contains" | "write" | "write32" | "write64" | "fill"
>;

type Registers = Pick<PlacedChip, "write">;

/** What firmware works on. */
export interface FirmwareHost {
  readonly ram: LoadedRam;
  readonly acpi: AcpiDescription;
  readonly apicNames: readonly string[];
  /** By number of the processor. */
  readonly profiles: readonly CpuProfile[];
  find(part: string): Registers | undefined;
  assignPciResources(): void;
  writeMsr(cpu: number, number: number, value: bigint): void;
}

const [SVR, LINT0, LINT1] = [0xf0, 0x350, 0x360] as const;
const SOFTWARE_ENABLED = 0x1ff;
/** Of the serial port: line control, and eight bits without parity. */
const [LCR, EIGHT_BITS] = [3, 3] as const;
const [EXTINT, NMI] = [0x700, 0x400] as const;

/** Where the stubs lie, and what is there: an IRET, and one with an EOI to the master for the timer before it. */
const STUBS = 0xf_ff53;
const [IRET_STUB, TIMER_STUB] = [0xff53, 0xff54] as const;
const STUB_BYTES = [0xcf, 0x50, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0xcf] as const;
const STUB_SEGMENT = 0xf000;
/** Vectors of the i8259s as the PC AT's firmware sets them. */
const [MASTER_BASE, SLAVE_BASE] = [0x08, 0x70] as const;

/** What an operating system is told: the memory map, and where the tables begin. */
export interface HandedOver {
  readonly memoryMap: readonly E820Entry[];
  readonly rsdp: number;
}

const MIB = 0x10_0000;
/** The extended BIOS data area begins there, and the area of firmware. */
const [EBDA, BIOS_AREA] = [0x9_fc00, 0xe_0000] as const;
/** At the end of RAM. */
const TABLES_BYTES = 0x1_0000;
const RSDP = 0xf_5000;

export function handOver(machine: FirmwareHost): HandedOver {
  const { ram } = machine;
  const tablesAt = ram.sizeBytes - TABLES_BYTES;
  const tables = acpiTables(machine.acpi, tablesAt);
  ram.write(tablesAt, tables.bytes);
  ram.write(RSDP, tables.rsdp);
  machine.assignPciResources();
  setVirtualWire(machine);
  setRealModeVectors(machine);
  setTimers(machine);
  setKeyboard(machine);
  setMemoryTypes(machine);
  machine.find("com1")?.write(LCR, 1, EIGHT_BITS);
  return {
    memoryMap: [
      { address: 0, size: EBDA, type: "ram" },
      { address: EBDA, size: 0xa_0000 - EBDA, type: "reserved" },
      { address: BIOS_AREA, size: MIB - BIOS_AREA, type: "reserved" },
      { address: MIB, size: tablesAt - MIB, type: "ram" },
      { address: tablesAt, size: TABLES_BYTES, type: "acpi" },
    ],
    rsdp: RSDP,
  };
}

/** The bootstrap processor's local APIC lets the interrupts of the i8259s through. */
function setVirtualWire(machine: FirmwareHost): void {
  const bootstrap = machine.apicNames[0];
  if (bootstrap === undefined) return;
  const apic = machine.find(bootstrap);
  apic?.write(SVR, 4, SOFTWARE_ENABLED);
  apic?.write(LINT0, 4, EXTINT);
  apic?.write(LINT1, 4, NMI);
}

/** Real-mode code may let interrupts in at once. */
function setRealModeVectors({ ram }: FirmwareHost): void {
  ram.write(STUBS, Uint8Array.from(STUB_BYTES));
  const vectors = new Uint32Array(256).fill(STUB_SEGMENT * 0x1_0000 + IRET_STUB);
  vectors[MASTER_BASE] = STUB_SEGMENT * 0x1_0000 + TIMER_STUB;
  ram.write(0, new Uint8Array(vectors.buffer));
}

/** The timer ticks 18.2 times a second; of the interrupts of devices only its own is let through. */
function setTimers(machine: FirmwareHost): void {
  const [master, slave, timer] = ["pic1", "pic2", "pit"].map((name) => machine.find(name));
  if (master === undefined || slave === undefined || timer === undefined) return;
  initialize(master, MASTER_BASE, 0x04, 0xfa);
  initialize(slave, SLAVE_BASE, 0x02, 0xff);
  timer.write(3, 1, 0x36);
  timer.write(0, 1, 0);
  timer.write(0, 1, 0);
}

/** The initialization command words of an i8259, and its mask. */
function initialize(pic: Registers, base: number, cascade: number, mask: number): void {
  pic.write(0, 1, 0x11);
  for (const word of [base, cascade, 0x01, mask]) pic.write(1, 1, word);
}

/** Interrupts, and scan codes translated to set 1; the auxiliary port is disabled. */
function setKeyboard(machine: FirmwareHost): void {
  const keyboard = machine.find("keyboard");
  if (keyboard === undefined) return;
  keyboard.write(4, 1, 0x60);
  keyboard.write(0, 1, 0x65);
}

/** Memory is write-back but for video memory, ROM and what lies where devices are, on all processors. */
function setMemoryTypes(machine: FirmwareHost): void {
  for (const [cpu, { features, physicalBits }] of machine.profiles.entries()) {
    if (!features.has("MTRR")) continue;
    const deviceMask = (1n << BigInt(physicalBits)) - DEVICES_SIZE;
    for (const [number, value] of [...FIXED_TYPES, [PHYSMASK0, deviceMask | VALID] as const])
      machine.writeMsr(cpu, number, value);
    machine.writeMsr(cpu, DEF_TYPE, ENABLED | FIXED | WRITE_BACK);
  }
}

/** From E0000000h to 4 GiB nothing is cached. */
const [DEVICES, DEVICES_SIZE] = [0xe000_0000n, 0x2000_0000n] as const;
const [PHYSBASE0, PHYSMASK0, DEF_TYPE] = [0x200, 0x201, 0x2ff] as const;
const [FIX64K_00000, FIX16K_80000, FIX16K_A0000, FIX4K_C0000] = [
  0x250, 0x258, 0x259, 0x268,
] as const;
const [VALID, ENABLED, FIXED, WRITE_BACK] = [0x800n, 0x800n, 0x400n, 6n] as const;
const [ALL_WRITE_BACK, ALL_WRITE_PROTECTED] = [
  0x0606_0606_0606_0606n,
  0x0505_0505_0505_0505n,
] as const;

const FIXED_TYPES: readonly (readonly [number: number, value: bigint])[] = [
  [FIX64K_00000, ALL_WRITE_BACK],
  [FIX16K_80000, ALL_WRITE_BACK],
  [FIX16K_A0000, 0n],
  ...Array.from({ length: 8 }, (_, i) => [FIX4K_C0000 + i, ALL_WRITE_PROTECTED] as const),
  [PHYSBASE0, DEVICES],
];
