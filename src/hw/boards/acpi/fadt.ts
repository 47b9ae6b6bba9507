/** Fixed hardware: ACPI Specification, "Fixed ACPI Description Table (FADT)", version 6.0. */

import type { AcpiDescription } from "./description.ts";
import { table, type TableWriter } from "./table.ts";

/** Flags. */
const WBINVD = 1;
const PROC_C1 = 1 << 2;
const SLP_BUTTON = 1 << 5;
const FIX_RTC = 1 << 6;
const RESET_REG_SUP = 1 << 10;
const HW_REDUCED_ACPI = 1 << 20;

/** IA-PC boot architecture flags. */
const LEGACY_DEVICES = 1;
const HAS_8042 = 2;
const NO_VGA = 4;
const NO_CMOS_RTC = 0x20;

/** So high a latency says that the C state is not there. */
const NO_C_STATE = 0xfff;
const CENTURY = 0x32;

/** A reduced one has only the sleep registers, which are the high bytes of PM1_CNT and PM1_STS. */
export function fadt(board: AcpiDescription, facsAddress: number, dsdtAddress: number): Uint8Array {
  const { isReduced, pm, reset } = board;
  const event = isReduced ? null : pm.event;
  const control = isReduced ? null : pm.control;
  const timer = isReduced ? null : pm.timer;
  return table("FACP", 6, (body) => {
    body.u32(isReduced ? 0 : facsAddress, dsdtAddress);
    body.u8(0, 0).u16(isReduced ? 0 : pm.sci);
    // No SMI_CMD: ACPI mode is the only one.
    body.u32(0).zeros(4);
    body.u32(event ?? 0, 0, control ?? 0, 0, 0, timer ?? 0, 0, 0);
    body.u8(event === null ? 0 : 4, control === null ? 0 : 2, 0, timer === null ? 0 : 4);
    body.zeros(4);
    body.u16(NO_C_STATE, NO_C_STATE, 0, 0).zeros(4);
    body
      .u8(board.hasRtc ? CENTURY : 0)
      .u16(bootArchitecture(board))
      .u8(0);
    body.u32(flags(board));
    body.address(reset?.port ?? null, 8).u8(reset?.value ?? 0);
    // No ARM flags; minor version 0.
    body.zeros(3);
    body.u64(0, dsdtAddress);
    extendedBlocks(body, [event, null, control, null, null, timer, null, null]);
    body.address(isReduced ? pm.control + 1 : null, 8);
    body.address(isReduced ? pm.event + 1 : null, 8);
    body.zeros(8);
  });
}

/** PM1a and PM1b event, PM1a and PM1b control, PM2 control, timer, GPE0, GPE1. */
const WIDTHS = [32, 32, 16, 16, 8, 32, 0, 0] as const;

function extendedBlocks(body: TableWriter, ports: readonly (number | null)[]): void {
  for (const [i, port] of ports.entries()) body.address(port, WIDTHS[i]);
}

function flags({ isReduced, reset }: AcpiDescription): number {
  const resets = reset === null ? 0 : RESET_REG_SUP;
  return WBINVD | PROC_C1 | SLP_BUTTON | FIX_RTC | resets | (isReduced ? HW_REDUCED_ACPI : 0);
}

function bootArchitecture({ hasRtc, hasKeyboard, hasPics }: AcpiDescription): number {
  return (
    (hasPics ? LEGACY_DEVICES : 0) |
    (hasKeyboard ? HAS_8042 : 0) |
    NO_VGA |
    (hasRtc ? 0 : NO_CMOS_RTC)
  );
}
