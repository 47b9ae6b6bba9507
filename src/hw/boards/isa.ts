/**
 * What every board of the PC kind has: local APICs, I/O APIC, the AT's chips at the AT's ports, power management, and
 * what software for virtual machines looks for. IBM PC AT Technical Reference, "I/O Address Map"; Intel 82371AB data
 * sheet, "I/O Space Registers"; QEMU manual, "fw_cfg".
 */

import { acpiPm1 } from "../chips/acpi-pm1.ts";
import { acpiPmTimer } from "../chips/acpi-pm-timer.ts";
import { debugConsole, debugExit } from "../chips/debug-ports.ts";
import { fwCfg } from "../chips/fw-cfg.ts";
import { fwCfgItems } from "../chips/fw-cfg-items.ts";
import { i8042 } from "../chips/i8042.ts";
import { i8254 } from "../chips/i8254.ts";
import { i8259 } from "../chips/i8259.ts";
import { ioapic } from "../chips/ioapic.ts";
import { lapic } from "../chips/lapic.ts";
import { mc146818 } from "../chips/mc146818.ts";
import { ns16550a } from "../chips/ns16550a.ts";
import { pcTestdev, TESTDEV } from "../chips/pc-testdev.ts";
import { port61 } from "../chips/port61.ts";
import { port92 } from "../chips/port92.ts";
import { resetControl } from "../chips/reset-control.ts";
import {
  type Board,
  type BoardHost,
  type Net,
  type Part,
  part,
  type Window,
  wire,
} from "./board.ts";
import type { Peripherals } from "./peripherals.ts";
import { PLACES } from "./places.ts";

/** What a machine is asked to be. */
export interface BoardParts {
  readonly cpus: number;
  readonly memoryBytes: number;
  /** What lies at the end of the first 4 GiB and of the first MiB; without it all of RAM is open. */
  readonly bios: Uint8Array | null;
  /** The device that kvm-unit-tests expect. */
  readonly testdev: boolean;
  readonly peripherals: Peripherals;
  /** What the real-time clock shows at power-on, in seconds since the start of 1970. */
  readonly date: number;
}

const lapicNames = (cpus: number): readonly string[] =>
  Array.from({ length: cpus }, (_, i) => `lapic${i}`);

/** The common part of a board; `files` are those of fw_cfg. */
export function isaBoard(
  host: BoardHost,
  given: BoardParts,
  files: Readonly<Record<string, Uint8Array>>,
): Pick<Board, "parts" | "ports" | "memory" | "nets" | "apics" | "ioapics" | "pics"> {
  const { cpus, testdev } = given;
  return {
    parts: isaParts(host, given, files),
    ports: [...ISA_PORTS, ...(testdev ? TESTDEV_PORTS : [])],
    memory: [
      { at: PLACES.ioapic, size: 0x1000, part: "ioapic" },
      ...(testdev ? [TESTDEV_MEMORY] : []),
    ],
    nets: [...ISA_NETS, ...(testdev ? testdevNets() : []), ...processorNets(cpus)],
    apics: lapicNames(cpus),
    ioapics: ["ioapic"],
    pics: ["pic1", "pic2"],
  };
}

function isaParts(
  host: BoardHost,
  { cpus, memoryBytes, date, testdev }: BoardParts,
  files: Readonly<Record<string, Uint8Array>>,
): Readonly<Record<string, Part>> {
  const items = fwCfgItems({ ramBytes: memoryBytes, cpus, files });
  return {
    ...Object.fromEntries(lapicNames(cpus).map((name, id) => [name, part(lapic, { id })])),
    ioapic: part(ioapic),
    pic1: part(i8259, { sp: 1 }),
    pic2: part(i8259, { sp: 0 }),
    pit: part(i8254),
    com1: part(ns16550a),
    rtc: part(mc146818, { seconds: date }),
    keyboard: part(i8042),
    port61: part(port61),
    port92: part(port92),
    reset: part(resetControl),
    pm1: part(acpiPm1),
    pmtimer: part(acpiPmTimer),
    debug: part(debugConsole),
    exit: part(debugExit),
    fwcfg: part(fwCfg(items, host.memory)),
    ...(testdev ? { testdev: part(pcTestdev) } : {}),
  };
}

const TESTDEV_PORTS: readonly Window[] = [
  { at: 0xe0, size: 4, part: "testdev", offset: TESTDEV.data },
  { at: 0x2000, size: 24, part: "testdev", offset: TESTDEV.lines },
];
const TESTDEV_MEMORY: Window = {
  at: 0xff00_0000,
  size: 0x2000,
  part: "testdev",
  offset: TESTDEV.memory,
};

/** A line leads where the interrupt of that number would. */
const testdevNets = (): readonly Net[] =>
  Array.from({ length: 24 }, (_, line) => {
    const pics = line < 8 ? [`pic1.ir${line}`] : line < 16 ? [`pic2.ir${line - 8}`] : [];
    return wire(`testdev.irq${line}`, `ioapic.intin${line}`, ...(line === 2 ? [] : pics));
  });

/** Fixed ports. */
export const ISA_PORTS: readonly Window[] = [
  { at: 0x20, size: 2, part: "pic1" },
  { at: 0x40, size: 4, part: "pit" },
  { at: 0x60, size: 1, part: "keyboard" },
  { at: 0x61, size: 1, part: "port61" },
  { at: 0x64, size: 1, part: "keyboard", offset: 4 },
  { at: 0x70, size: 2, part: "rtc" },
  { at: 0x92, size: 1, part: "port92" },
  { at: 0xa0, size: 2, part: "pic2" },
  { at: 0xe9, size: 1, part: "debug" },
  { at: 0xf4, size: 4, part: "exit" },
  { at: 0x3f8, size: 8, part: "com1" },
  { at: 0x4d0, size: 1, part: "pic1", offset: 2 },
  { at: 0x4d1, size: 1, part: "pic2", offset: 2 },
  { at: 0x510, size: 12, part: "fwcfg" },
  { at: PLACES.pm1, size: 6, part: "pm1" },
  { at: PLACES.pmTimer, size: 4, part: "pmtimer" },
  { at: PLACES.reset, size: 1, part: "reset" },
];

const ISA_NETS: readonly Net[] = [
  wire("pit.out0", "pic1.ir0", "ioapic.intin2"),
  wire("pit.out2", "port61.out2"),
  wire("port61.gate2", "pit.gate2"),
  wire("keyboard.irq1", "pic1.ir1", "ioapic.intin1"),
  wire("pic2.int", "pic1.ir2"),
  wire("com1.intr", "pic1.ir4", "ioapic.intin4"),
  wire("rtc.irq", "pic2.ir0", "ioapic.intin8"),
  wire("pm1.sci", `pic2.ir${PLACES.sci - 8}`, `ioapic.intin${PLACES.sci}`),
  wire("keyboard.irq12", "pic2.ir4", "ioapic.intin12"),
  wire("pm1.off", "machine.off"),
  wire("exit.exit", "machine.exit"),
  { drivers: ["keyboard.reset", "reset.reset", "port92.init"], loads: ["machine.reset"] },
];

const processorNets = (cpus: number): readonly Net[] => [
  wire("pic1.int", ...lapicNames(cpus).map((name) => `${name}.lint0`)),
  ...lapicNames(cpus).map((name, i) => wire(`${name}.intr`, `cpu${i}.intr`)),
];
