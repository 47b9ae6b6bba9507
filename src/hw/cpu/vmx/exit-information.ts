/**
 * What an exit records: SDM Vol. 3, "VM-Exit Information Fields", "Recording VM-Exit Information and Updating VM-Entry
 * Control Fields".
 */

import type { AssistContext } from "../assist.ts";
import { displacementOf, type MemoryOperand } from "../decode.ts";
import { type Fault, exitFault, VECTORS } from "../fault.ts";
import type { EventType, Raised } from "../transfer/deliver.ts";
import { SEGMENT_NAMES } from "../uop.ts";
import type { VmExit } from "../virtualization.ts";
import { INFO, TYPE } from "./controls.ts";
import { REASON } from "./reasons.ts";

export interface VmxExit extends VmExit {
  readonly qualification?: bigint;
  /** Of the event that has caused the exit. */
  readonly interruption?: number;
  readonly errorCode?: number;
  readonly instructionLength?: number;
  readonly instructionInformation?: number;
  readonly linear?: bigint;
  readonly physical?: number;
  /** The instruction would fault: RF is saved as set. */
  readonly resume?: boolean;
}

const TYPES: Readonly<Record<EventType, number>> = {
  "external interrupt": TYPE.externalInterrupt,
  NMI: TYPE.nmi,
  "hardware exception": TYPE.hardwareException,
  "software interrupt": TYPE.softwareInterrupt,
  "privileged software exception": TYPE.privilegedSoftwareException,
  "software exception": TYPE.softwareException,
};
const NAMES = Object.fromEntries(
  Object.entries(TYPES).map(([name, number]) => [number, name]),
) as Readonly<Record<number, EventType>>;

/** In the format of interruption information. */
export const informationOf = ({ type, vector, errorCode }: Raised, hasCode: boolean): number =>
  (INFO.valid |
    (TYPES[type] << 8) |
    vector |
    (hasCode && errorCode !== null ? INFO.deliverErrorCode : 0)) >>>
  0;

export const isSoftware = ({ type }: Raised): boolean =>
  type === "software interrupt" ||
  type === "software exception" ||
  type === "privileged software exception";

/** The event that interruption information describes, to be injected at `rip`. */
export function eventOf(
  information: number,
  errorCode: number,
  length: number,
  rip: bigint,
): Raised {
  const event: Raised = {
    type: NAMES[(information & INFO.type) >> 8] ?? "external interrupt",
    vector: information & INFO.vector,
    errorCode: (information & INFO.deliverErrorCode) === 0 ? null : errorCode,
    address: null,
    resume: false,
    debug: 0,
    returnRip: rip,
    instructionLength: 0,
  };
  if (!isSoftware(event)) return event;
  return { ...event, returnRip: rip + BigInt(length), instructionLength: length };
}

/** An exception that the exception bitmap asks for. */
export function exceptionExit(event: Raised, isProtected: boolean): VmxExit {
  return {
    reason: REASON.exceptionOrNmi,
    interruption: informationOf(event, isProtected),
    errorCode: event.errorCode ?? 0,
    qualification: event.vector === VECTORS["#PF"] ? (event.address ?? 0n) : BigInt(event.debug),
    instructionLength: event.instructionLength,
    resume: event.resume,
  };
}

/** An exit in place of an instruction. */
export const instructionExit = (
  { decoded }: AssistContext,
  reason: number,
  more: Pick<VmxExit, "qualification" | "instructionInformation" | "linear"> = {},
): Fault => {
  const { qualification = 0n, instructionInformation = 0, linear } = more;
  const { length: instructionLength } = decoded;
  const exit: VmxExit = { reason, instructionLength, qualification, instructionInformation };
  return exitFault(linear === undefined ? exit : { ...exit, linear });
};

// Instruction information: "Basic VM-Exit Information", tables of "Information for VM Exits Due to Instruction Execution".

const SEGMENT_NUMBER = new Map(SEGMENT_NAMES.map((name, i) => [name, i]));
const SCALES: Readonly<Record<number, number>> = { 1: 0, 2: 1, 4: 2, 8: 3 };
const SIZES: Readonly<Record<number, number>> = { 16: 0, 32: 1, 64: 2 };
const [NO_INDEX, NO_BASE] = [1 << 22, 1 << 27];
const IS_REGISTER = 1 << 10;

/** Address size and segment: of INS and OUTS. */
export const stringInformation = ({ decoded }: AssistContext): number =>
  ((SIZES[decoded.addressSize] as number) << 7) |
  ((SEGMENT_NUMBER.get(decoded.segment) as number) << 15);

/** The memory operand, or the register in its place as Reg1. */
export function operandInformation(context: AssistContext, index: number): number {
  const operand = context.operand(index);
  if (operand.is === "register") return IS_REGISTER | (operand.register.number << 3);
  if (operand.is !== "memory") return 0;
  const { base, index: number, scale } = operand.memory;
  return (
    stringInformation(context) |
    (SCALES[scale] as number) |
    (number === null ? NO_INDEX : number << 18) |
    (typeof base === "number" ? base << 23 : NO_BASE)
  );
}

export const sizeInformation = ({ decoded }: AssistContext): number =>
  SIZES[decoded.operandSize] as number;

/** The displacement of a memory operand; with RIP-relative addressing the whole address. */
export function displacement(context: AssistContext, index: number): bigint {
  const operand = context.operand(index);
  if (operand.is !== "memory") return 0n;
  return displacementFrom(context, operand.memory);
}

function displacementFrom({ decoded, nextRip }: AssistContext, memory: MemoryOperand): bigint {
  const from = memory.base === "rip" ? nextRip : 0n;
  return BigInt.asUintN(64, displacementOf(decoded, memory) + from);
}

/** An instruction with a memory operand: qualification and information. */
export const operandExit = (
  context: AssistContext,
  reason: number,
  index: number,
  information = 0,
): Fault =>
  instructionExit(context, reason, {
    qualification: displacement(context, index),
    instructionInformation: (operandInformation(context, index) | information) >>> 0,
  });
