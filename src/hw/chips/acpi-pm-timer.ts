/**
 * The power management timer: a counter of 3.579545 MHz. ACPI Specification, "Power Management Timer".
 * Not modelled: TMR_STS and its interrupt, which belong to the PM1 registers; the counter has 24 bits.
 */

import type { Chip } from "./chip.ts";
import { tickClock } from "./clock.ts";

/** 3579545 Hz: 715909 ticks in a fifth of a second. */
const CLK = tickClock(715_909, 200_000_000);

export const acpiPmTimer: Chip<object, never> = {
  name: "acpi-pm-timer",
  cites: "ACPI Specification, Power Management Timer",
  powerOn: () => ({}),
  registers: { TMR_VAL: { at: 0, size: 4, read: (_, now) => CLK.ticks(now) % 0x100_0000 } },
  inputs: {},
  wires: () => ({}),
  deadline: () => null,
  advance: () => {},
};
