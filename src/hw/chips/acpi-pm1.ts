/**
 * The fixed power management registers: status, enable and control of one PM1 block. ACPI Specification, "PM1 Event
 * Grouping", "PM1 Control Grouping". SCI_EN is always set: there is no other mode, and no SMI_CMD to change it.
 * Not modelled: sleep states but S5, which is power-off.
 */

import type { Cycles } from "../../sim/time.ts";
import type { Chip } from "./chip.ts";
import { PM_TIMER_CLOCK } from "./clock.ts";

export interface AcpiPm1 {
  status: number;
  enable: number;
  /** SLP_TYP. */
  sleepType: number;
  isOff: boolean;
  /** Changes of the timer's highest bit that have been seen. */
  carries: number;
}

/** SLP_TYP of S5, for the object \_S5 of the board's tables. */
export const S5_TYPE = 5;

/** `off` is asserted for good when the guest has turned the machine off; `power` and `sleep` are the buttons. */
export const acpiPm1: Chip<AcpiPm1, "sci" | "off"> = {
  name: "acpi-pm1",
  cites: "ACPI Specification, PM1 Event Grouping, PM1 Control Grouping",
  powerOn: () => ({ status: 0, enable: 0, sleepType: 0, isOff: false, carries: 0 }),
  registers: {
    PM1_STS: {
      at: 0,
      size: 2,
      parts: "zero",
      read: (s) => s.status,
      write: (s, value) => {
        s.status &= ~value;
      },
    },
    PM1_EN: {
      at: 2,
      size: 2,
      parts: "kept",
      read: (s) => s.enable,
      write: (s, value) => {
        s.enable = value & EVENTS;
      },
    },
    PM1_CNT: {
      at: 4,
      size: 2,
      parts: "kept",
      read: (s) => (s.sleepType << 10) | SCI_EN,
      write: writeControl,
    },
  },
  inputs: {
    power: (s, level) => press(s, PWRBTN, level),
    sleep: (s, level) => press(s, SLPBTN, level),
    rtc: (s, level) => press(s, RTC, level),
  },
  wires: (s) => ({ sci: (s.status & s.enable) !== 0, off: s.isOff }),
  deadline: (s) => {
    const isAwaited = (s.enable & ~s.status & TMR) !== 0 && (s.status & s.enable) === 0;
    return isAwaited ? PM_TIMER_CLOCK.time((s.carries + 1) * CARRY) : null;
  },
  advance: (s, now) => {
    const carries = carriesAt(now);
    if (carries > s.carries) s.status |= TMR;
    s.carries = carries;
  },
};

const TMR = 1;
const GBL = 0x20;
const PWRBTN = 0x100;
const SLPBTN = 0x200;
const RTC = 0x400;
const EVENTS = TMR | GBL | PWRBTN | SLPBTN | RTC;

const SCI_EN = 1;
const SLP_EN = 0x2000;

/** TMR_STS is set whenever bit 23 of the timer changes. */
const CARRY = 0x80_0000;
const carriesAt = (now: Cycles): number => Math.floor(PM_TIMER_CLOCK.ticks(now) / CARRY);

function press(s: AcpiPm1, status: number, level: number): void {
  if (level !== 0) s.status |= status;
}

function writeControl(s: AcpiPm1, value: number): void {
  s.sleepType = (value >> 10) & 7;
  if ((value & SLP_EN) !== 0 && s.sleepType === S5_TYPE) s.isOff = true;
}
