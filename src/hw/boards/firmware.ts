/**
 * What firmware leaves behind when it hands over to an operating system, for machines that boot a kernel without it:
 * PCI resources, memory types, and interrupts of the i8259s through LINT0. SDM Vol. 3, "Local APIC State After It Has
 * Been Software Disabled", "IA32_MTRR_DEF_TYPE MSR"; MultiProcessor Specification 1.4, "Virtual Wire Mode".
 */

import type { Machine } from "./machine.ts";

const [SVR, LINT0, LINT1] = [0xf0, 0x350, 0x360] as const;
const SOFTWARE_ENABLED = 0x1ff;
const [EXTINT, NMI] = [0x700, 0x400] as const;

export function handOver(machine: Machine): void {
  machine.assignPciResources();
  const bootstrap = machine.apicNames[0];
  if (bootstrap === undefined) return;
  const apic = machine.chip(bootstrap);
  apic.write(SVR, 4, SOFTWARE_ENABLED);
  apic.write(LINT0, 4, EXTINT);
  apic.write(LINT1, 4, NMI);
}
