/**
 * The power management timer: a counter of 3.579545 MHz. ACPI Specification, "Power Management Timer".
 * The counter has 24 bits; TMR_STS belongs to the PM1 registers.
 */

import type { Chip } from "./chip.ts";
import { PM_TIMER_CLOCK } from "./clock.ts";

export const acpiPmTimer: Chip<object, never> = {
  name: "acpi-pm-timer",
  cites: "ACPI Specification, Power Management Timer",
  powerOn: () => ({}),
  registers: {
    TMR_VAL: { at: 0, size: 4, read: (_, now) => PM_TIMER_CLOCK.ticks(now) % 0x100_0000 },
  },
  inputs: {},
  wires: () => ({}),
  deadline: () => null,
  advance: () => {},
};
