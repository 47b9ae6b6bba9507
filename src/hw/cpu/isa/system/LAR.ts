/** LAR, LSL: load access rights and segment limit; ZF says whether the selector allows it. SDM Vol. 2A, "LAR—Load Access Rights Byte", "LSL—Load Segment Limit". */

import type { AssistFunction } from "../../assist.ts";
import { type Descriptor, isSystem, SYSTEM, segmentFrom, typeOf } from "../../descriptors.ts";
import type { Instruction } from "../../instruction.ts";
import { isFault } from "../../mmu.ts";
import { isLongMode, isRealAddressing } from "../../mode.ts";
import { setFlags, systemInstruction, UD } from "../../system.ts";
import { isWhole, visibleDescriptor } from "../../system-segments.ts";

const ZF = 0x40n;
const RIGHTS = 0xf0_ff00;

/** In IA-32e mode there are LDTs, TSSs of 64 bits and call gates. */
const LONG_TYPES: ReadonlySet<number> = new Set([SYSTEM.ldt, SYSTEM.tss, SYSTEM.busyTss]);
const TYPES: ReadonlySet<number> = new Set([...LONG_TYPES, SYSTEM.tss16, SYSTEM.busyTss16]);
const GATES: ReadonlySet<number> = new Set([SYSTEM.callGate]);
const LEGACY_GATES: ReadonlySet<number> = new Set([...GATES, SYSTEM.callGate16, SYSTEM.taskGate]);

const load =
  (of: (descriptor: Descriptor) => number, gates: boolean): AssistFunction =>
  (context) => {
    const { state, decoded } = context;
    if (isRealAddressing(state)) return UD;
    const operand = context.readOperand(1, 16);
    if (isFault(operand)) return operand;
    const selector = Number(operand);
    const found = visibleDescriptor(context, selector);
    if (isFault(found)) return found;
    const long = isLongMode(state);
    let allowed = found !== null;
    if (found !== null && isSystem(found)) {
      const type = typeOf(found);
      const isGate = gates && (long ? GATES : LEGACY_GATES).has(type);
      allowed = isGate || (long ? LONG_TYPES : TYPES).has(type);
      const whole = allowed ? isWhole(context, selector, found) : false;
      if (isFault(whole)) return whole;
      allowed = whole;
    }
    setFlags(state, ZF, allowed ? ZF : 0n);
    if (!allowed || found === null) return null;
    return context.writeOperand(0, decoded.operandSize, BigInt(of(found)));
  };

const row = (name: string, opcode: string, run: AssistFunction): Instruction =>
  systemInstruction(
    name,
    {
      forms: [
        [`${opcode} /r`, "r16, r16/m16"],
        [`${opcode} /r`, "r32, r32/m16"],
        [`REX.W + ${opcode} /r`, "r64, r64/m16"],
      ],
    },
    run,
  );

export const LAR: readonly Instruction[] = [
  row(
    "LAR",
    "0F 02",
    load(({ high }) => high & RIGHTS, true),
  ),
  row(
    "LSL",
    "0F 03",
    load((descriptor) => segmentFrom(0, descriptor).limit, false),
  ),
];
