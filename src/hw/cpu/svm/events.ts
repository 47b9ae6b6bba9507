/** Events as EVENTINJ and EXITINTINFO tell them: APM Vol. 2, "Event Injection". */

import type { CpuState } from "../state.ts";
import type { EventType, Raised } from "../transfer/deliver.ts";
import { EVENT, VMCB } from "./vmcb.ts";

const TYPES: Readonly<Record<EventType, number>> = {
  "external interrupt": EVENT.interrupt,
  NMI: EVENT.nmi,
  "hardware exception": EVENT.exception,
  "software exception": EVENT.exception,
  "privileged software exception": EVENT.exception,
  "software interrupt": EVENT.softwareInterrupt,
};
const NAMES: Readonly<Record<number, EventType>> = {
  [EVENT.interrupt]: "external interrupt",
  [EVENT.nmi]: "NMI",
  [EVENT.exception]: "hardware exception",
  [EVENT.softwareInterrupt]: "software interrupt",
};
const NMI_VECTOR = 2;

/** The low doubleword of an event. */
export const eventOf = ({ type, vector, errorCode }: Raised): number =>
  EVENT.valid | TYPES[type] | vector | (errorCode === null ? 0 : EVENT.hasErrorCode);

/** What VMRUN injects. A software interrupt returns to nRIP. */
export function injectedEvent(vmcb: DataView, state: CpuState): Raised {
  const low = vmcb.getInt32(VMCB.eventInj, true);
  const type = NAMES[low & EVENT.type] ?? "external interrupt";
  return {
    type,
    vector: type === "NMI" ? NMI_VECTOR : low & 0xff,
    errorCode: (low & EVENT.hasErrorCode) === 0 ? null : vmcb.getUint32(VMCB.eventInj + 4, true),
    address: null,
    resume: false,
    debug: 0,
    returnRip: type === "software interrupt" ? vmcb.getBigUint64(VMCB.nRip, true) : state.rip,
    instructionLength: 0,
  };
}
