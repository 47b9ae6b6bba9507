/**
 * Instructions of a guest that exit: SDM Vol. 3, "Instructions That Cause VM Exits", "Changes to Instruction Behavior in
 * VMX Non-Root Operation".
 */

import type { AssistContext } from "../assist.ts";
import { type Fault, GP0, plainFault } from "../fault.ts";
import { isFault } from "../mmu.ts";
import { CR0, type CpuState } from "../state.ts";
import { LOW_32, RDI, RSI } from "../system.ts";
import type {
  ControlRead,
  ControlWrite,
  InterceptedInstruction,
  PortAccess,
} from "../virtualization.ts";
import type { Controls } from "./check.ts";
import { PRIMARY, SECONDARY } from "./controls.ts";
import {
  instructionExit,
  operandExit,
  sizeInformation,
  stringInformation,
} from "./exit-information.ts";
import { fieldOf, wordOf } from "./fields.ts";
import { REASON } from "./reasons.ts";
import type { PhysicalMemory } from "../physical-memory.ts";
import { FLAG, type Vmcs } from "./vmcs.ts";

/** What a guest's instruction is judged by. */
export interface Guest {
  readonly vmcs: Vmcs;
  readonly controls: Controls;
  readonly memory: PhysicalMemory;
}

const UD = plainFault("#UD");
const [CR0_MASK, CR0_SHADOW] = [fieldOf("CR0 guest/host mask"), fieldOf("CR0 read shadow")];
const [CR4_MASK, CR4_SHADOW] = [fieldOf("CR4 guest/host mask"), fieldOf("CR4 read shadow")];
const CR3_TARGETS = [0, 1, 2, 3].map((i) => fieldOf(`CR3-target value ${i as 0 | 1 | 2 | 3}`));
const CR3_TARGET_COUNT = wordOf("CR3-target count");
const [BITMAP_A, BITMAP_B] = [wordOf("Address of I/O bitmap A"), wordOf("Address of I/O bitmap B")];
const MSR_BITMAPS = wordOf("Address of MSR bitmaps");
const VIRTUAL_APIC = wordOf("Virtual-APIC address");
const TPR_THRESHOLD = wordOf("TPR threshold");
const [GAP, WINDOW] = [wordOf("PLE_Gap"), wordOf("PLE_Window")];

const VTPR = 0x80;

type Answer = (guest: Guest, context: AssistContext) => Fault | null;

/** Exits always. */
const always =
  (reason: number): Answer =>
  (_guest, context) =>
    instructionExit(context, reason);
/** Exits with a primary control. */
const withPrimary =
  (bit: number, reason: number): Answer =>
  ({ controls }, context) =>
    (controls.primary & bit) === 0 ? null : instructionExit(context, reason);
const withSecondary =
  (bit: number, reason: number): Answer =>
  ({ controls }, context) =>
    (controls.secondary & bit) === 0 ? null : instructionExit(context, reason);
const never: Answer = () => null;

const descriptorTable =
  (reason: number, identity: number): Answer =>
  ({ controls }, context) => {
    if ((controls.secondary & SECONDARY.descriptorTableExiting) === 0) return null;
    const isTable = reason === REASON.accessToGdtrOrIdtr;
    const size = isTable && context.decoded.operandSize !== 16 ? 1 << 11 : 0;
    return operandExit(context, reason, 0, (identity << 28) | size);
  };

const random =
  (bit: number, reason: number): Answer =>
  ({ controls }, context) => {
    if ((controls.secondary & bit) === 0) return null;
    const information = (context.register(0) << 3) | (sizeInformation(context) << 11);
    return instructionExit(context, reason, { instructionInformation: information });
  };

const ANSWERS: Readonly<Record<InterceptedInstruction, Answer>> = {
  CPUID: always(REASON.CPUID),
  HLT: withPrimary(PRIMARY.hltExiting, REASON.HLT),
  "INT n": never,
  INVD: always(REASON.INVD),
  INVLPG: ({ controls }, context) =>
    (controls.primary & PRIMARY.invlpgExiting) === 0
      ? null
      : instructionExit(context, REASON.INVLPG, {
          qualification: context.linear("effective", context.offset(0)),
        }),
  INVPCID: ({ controls }, context) => {
    if ((controls.secondary & SECONDARY.enableInvpcid) === 0) return UD;
    if ((controls.primary & PRIMARY.invlpgExiting) === 0) return null;
    return operandExit(context, REASON.INVPCID, 1, context.register(0) << 28);
  },
  IRET: never,
  LGDT: descriptorTable(REASON.accessToGdtrOrIdtr, 2),
  LIDT: descriptorTable(REASON.accessToGdtrOrIdtr, 3),
  LLDT: descriptorTable(REASON.accessToLdtrOrTr, 2),
  LTR: descriptorTable(REASON.accessToLdtrOrTr, 3),
  MONITOR: withPrimary(PRIMARY.monitorExiting, REASON.MONITOR),
  MWAIT: withPrimary(PRIMARY.mwaitExiting, REASON.MWAIT),
  PAUSE: pause,
  POPF: never,
  PUSHF: never,
  RDPID: ({ controls }) => ((controls.secondary & SECONDARY.enableRdtscp) === 0 ? UD : null),
  RDPMC: withPrimary(PRIMARY.rdpmcExiting, REASON.RDPMC),
  RDRAND: random(SECONDARY.rdrandExiting, REASON.RDRAND),
  RDSEED: random(SECONDARY.rdseedExiting, REASON.RDSEED),
  RDTSC: withPrimary(PRIMARY.rdtscExiting, REASON.RDTSC),
  RDTSCP: ({ controls }, context) => {
    if ((controls.secondary & SECONDARY.enableRdtscp) === 0) return UD;
    return (controls.primary & PRIMARY.rdtscExiting) === 0
      ? null
      : instructionExit(context, REASON.RDTSCP);
  },
  RSM: never,
  SGDT: descriptorTable(REASON.accessToGdtrOrIdtr, 0),
  SIDT: descriptorTable(REASON.accessToGdtrOrIdtr, 1),
  SLDT: descriptorTable(REASON.accessToLdtrOrTr, 0),
  STR: descriptorTable(REASON.accessToLdtrOrTr, 1),
  WBINVD: withSecondary(SECONDARY.wbinvdExiting, REASON.WBINVD),
  XSETBV: always(REASON.XSETBV),
};

export const instructionAnswer = (
  guest: Guest,
  context: AssistContext,
  name: InterceptedInstruction,
): Fault | null => ANSWERS[name](guest, context);

/** PAUSE exiting; and PAUSE-loop exiting, at CPL 0: PAUSEs no further apart than a gap, for longer than a window. */
function pause({ controls, vmcs }: Guest, context: AssistContext): Fault | null {
  const { state } = context;
  const isWanted = (controls.primary & PRIMARY.pauseExiting) !== 0;
  if (isWanted) return instructionExit(context, REASON.PAUSE);
  if ((controls.secondary & SECONDARY.pauseLoopExiting) === 0 || state.cpl !== 0) return null;
  const now = state.cycles;
  const isFirst = now - vmcs.lastPause > (vmcs.words[GAP] as number);
  vmcs.lastPause = now;
  if (isFirst) vmcs.firstPause = now;
  const isOver = now - vmcs.firstPause > (vmcs.words[WINDOW] as number);
  return isOver ? instructionExit(context, REASON.PAUSE) : null;
}

// Ports.

const isInBitmap = ({ memory }: Guest, base: number, bit: number): boolean =>
  (Number(memory.read(base + (bit >> 3), 1)) & (1 << (bit & 7))) !== 0;

/** An access that goes beyond port FFFF exits whatever the bitmaps say. */
function asksForPort(guest: Guest, { port, size }: PortAccess): boolean {
  const { primary } = guest.controls;
  if ((primary & PRIMARY.useIoBitmaps) === 0)
    return (primary & PRIMARY.unconditionalIoExiting) !== 0;
  if (port + size > 0x1_0000) return true;
  for (let at = port; at < port + size; at += 1) {
    const base = guest.vmcs.address(at < 0x8000 ? BITMAP_A : BITMAP_B);
    if (isInBitmap(guest, base, at & 0x7fff)) return true;
  }
  return false;
}

export function portAnswer(guest: Guest, context: AssistContext, access: PortAccess): Fault | null {
  if (!asksForPort(guest, access)) return null;
  const { port, size, input, string } = access;
  const { decoded, state } = context;
  const isImmediate = !string && context.decoded.form.immediates.length > 0;
  const qualification =
    (size - 1) |
    (input ? 8 : 0) |
    (string ? 16 : 0) |
    (string && decoded.repeat !== "none" ? 32 : 0) |
    (isImmediate ? 64 : 0);
  const whole = (BigInt(port) << 16n) | BigInt(qualification);
  if (!string) return instructionExit(context, REASON.ioInstruction, { qualification: whole });
  const offset = BigInt.asUintN(decoded.addressSize, state.gpr(input ? RDI : RSI));
  return instructionExit(context, REASON.ioInstruction, {
    qualification: whole,
    linear: context.linear(input ? "ES" : "effective", offset),
    instructionInformation: stringInformation(context),
  });
}

// Model-specific registers.

const HIGH_FROM = 0xc000_0000;
const RANGE = 0x2000;
const WRITES = 2048;

export function msrAnswer(
  guest: Guest,
  context: AssistContext,
  number: number,
  write: boolean,
): Fault | null {
  const { controls, vmcs } = guest;
  const exit = (): Fault => instructionExit(context, write ? REASON.WRMSR : REASON.RDMSR);
  if ((controls.primary & PRIMARY.useMsrBitmaps) === 0) return exit();
  const isHigh = number >= HIGH_FROM;
  const bit = isHigh ? number - HIGH_FROM : number;
  if (bit >= RANGE) return exit();
  const base = vmcs.address(MSR_BITMAPS) + (isHigh ? 1024 : 0) + (write ? WRITES : 0);
  return isInBitmap(guest, base, bit) ? exit() : null;
}

// Control registers: exit qualification of "Exit Qualification for Control-Register Accesses".

const NUMBERS: Readonly<Record<ControlRead, bigint>> = {
  CR0: 0n,
  CR2: 2n,
  CR3: 3n,
  CR4: 4n,
  CR8: 8n,
};
const [TO, FROM, CLTS, LMSW] = [0n, 1n, 2n, 3n];
const LMSW_FROM_MEMORY = 1n << 6n;

const controlExit = (
  context: AssistContext,
  name: ControlRead,
  kind: bigint,
  register: number,
): Fault =>
  instructionExit(context, REASON.controlRegisterAccess, {
    qualification: NUMBERS[name] | (kind << 4n) | (BigInt(register) << 8n),
  });

export function readAnswer(
  { controls, vmcs, memory }: Guest,
  context: AssistContext,
  name: ControlRead,
  register: number,
): bigint | Fault {
  const real = context.state.control(name);
  const { primary } = controls;
  switch (name) {
    case "CR0":
      return shadowed(real, vmcs.read(CR0_MASK), vmcs.read(CR0_SHADOW));
    case "CR4":
      return shadowed(real, vmcs.read(CR4_MASK), vmcs.read(CR4_SHADOW));
    case "CR3":
      if ((primary & PRIMARY.cr3StoreExiting) === 0) return real;
      return controlExit(context, name, FROM, register);
    case "CR8":
      if ((primary & PRIMARY.cr8StoreExiting) !== 0)
        return controlExit(context, name, FROM, register);
      if ((primary & PRIMARY.useTprShadow) === 0) return real;
      return memory.read(vmcs.address(VIRTUAL_APIC) + VTPR, 1) >> 4n;
    case "CR2":
      return real;
  }
}

/** Bits of the mask are the host's: the guest sees the shadow's. */
const shadowed = (real: bigint, mask: bigint, shadow: bigint): bigint =>
  (real & ~mask) | (shadow & mask);

export function writeAnswer(
  guest: Guest,
  context: AssistContext,
  write: ControlWrite,
): bigint | Fault {
  if (write.by === "CLTS") return clearTs(guest, context);
  if (write.by === "LMSW") return loadStatusWord(guest, context, write.value);
  const { vmcs, controls } = guest;
  const { name, value, register } = write;
  const exit = (): Fault => controlExit(context, name, TO, register);
  const real = context.state.control(name);
  switch (name) {
    case "CR2":
      return value;
    case "CR0":
    case "CR4": {
      const mask = vmcs.read(name === "CR0" ? CR0_MASK : CR4_MASK);
      const shadow = vmcs.read(name === "CR0" ? CR0_SHADOW : CR4_SHADOW);
      return ((value ^ shadow) & mask) === 0n ? (real & mask) | (value & ~mask) : exit();
    }
    case "CR3":
      if ((controls.primary & PRIMARY.cr3LoadExiting) === 0) return value;
      return isTarget(vmcs, value) ? value : exit();
    case "CR8":
      if ((controls.primary & PRIMARY.cr8LoadExiting) !== 0) return exit();
      return (controls.primary & PRIMARY.useTprShadow) === 0
        ? value
        : writeVirtualTpr(guest, context.state, value);
  }
}

function isTarget(vmcs: Vmcs, value: bigint): boolean {
  const count = vmcs.words[CR3_TARGET_COUNT] as number;
  return CR3_TARGETS.slice(0, count).some((field) => vmcs.read(field) === value);
}

/** The virtual-APIC page has the guest's TPR; the CPU's own stays. Below the threshold, an exit follows the instruction. */
function writeVirtualTpr({ vmcs, memory }: Guest, state: CpuState, value: bigint): bigint | Fault {
  if (value > 15n) return GP0;
  memory.write(vmcs.address(VIRTUAL_APIC) + VTPR, 4, value << 4n);
  if (value < BigInt((vmcs.words[TPR_THRESHOLD] as number) & 15)) {
    vmcs.flags |= FLAG.tprBelowThreshold;
    state.attention = true;
  }
  return state.control("CR8");
}

function clearTs({ vmcs }: Guest, context: AssistContext): bigint | Fault {
  const real = context.state.control("CR0");
  if ((vmcs.read(CR0_MASK) & CR0.TS) === 0n) return real & ~CR0.TS;
  return (vmcs.read(CR0_SHADOW) & CR0.TS) === 0n ? real : controlExit(context, "CR0", CLTS, 0);
}

const STATUS_WORD = CR0.PE | CR0.MP | CR0.EM | CR0.TS;

/** PE counts only where it would be set; what a mask covers and the shadow has already stays as it is. */
function loadStatusWord({ vmcs }: Guest, context: AssistContext, value: bigint): bigint | Fault {
  const real = context.state.control("CR0");
  const [mask, shadow] = [vmcs.read(CR0_MASK), vmcs.read(CR0_SHADOW)];
  const source = context.readOperand(0, 16);
  if (isFault(source)) return source;
  const isMemory = context.operand(0).is === "memory";
  const changed = (source ^ shadow) & mask & STATUS_WORD;
  const exits = (changed & ~CR0.PE) !== 0n || (changed & source & CR0.PE) !== 0n;
  if (!exits) return (real & mask) | (value & ~mask);
  return instructionExit(context, REASON.controlRegisterAccess, {
    qualification:
      NUMBERS.CR0 | (LMSW << 4n) | (isMemory ? LMSW_FROM_MEMORY : 0n) | ((source & LOW_32) << 16n),
    ...(isMemory ? { linear: context.linear("effective", context.offset(0)) } : {}),
  });
}

export function debugAnswer(
  { controls }: Guest,
  context: AssistContext,
  number: number,
  write: boolean,
  register: number,
): Fault | null {
  if ((controls.primary & PRIMARY.movDrExiting) === 0) return null;
  const qualification = BigInt(number | (write ? 0 : 16) | (register << 8));
  return instructionExit(context, REASON.MOVDR, { qualification });
}
