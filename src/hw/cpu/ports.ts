/**
 * Permission for I/O ports, and string instructions on them: SDM Vol. 1, "I/O Protection"; "I/O Permission Bit Map". A
 * repeated instruction does one iteration at a time, as those on memory do.
 */

import type { AssistContext } from "./assist.ts";
import { ioBreakpoints } from "./debug.ts";
import { SYSTEM, wrap } from "./descriptors.ts";
import { type Fault, GP0 } from "./fault.ts";
import type { Instruction } from "./instruction.ts";
import { isFault } from "./mmu.ts";
import { iopl, is64Bit, isVirtual8086 } from "./mode.ts";
import { BIT } from "./state.ts";
import { RCX, RDX, systemInstruction, writeGpr } from "./system.ts";
import type { PortAccess } from "./virtualization.ts";

/** In the TSS: where the bit map begins. */
const MAP_BASE_AT = 102;

/** The fault of an access to a port. */
export function checkPort(context: AssistContext, access: PortAccess): Fault | null {
  const { state, virtualization } = context;
  const { port, size } = access;
  const asks = isVirtual8086(state) || (state.has("CR0", BIT.CR0.PE) && state.cpl > iopl(state));
  const refused =
    (asks ? refuses(context, port, size) : null) ??
    (state.isGuest ? virtualization?.port(context, access) : null) ??
    null;
  if (refused === null && state.has("CR4", BIT.CR4.DE))
    state.pendingDebug |= ioBreakpoints(state, port, size);
  return refused;
}

/** The TSS has a bit for each port: two bytes are read, and both have to lie within its limit. */
function refuses({ state, memory }: AssistContext, port: number, size: number): Fault | null {
  const { base, limit, rights } = state.systemSegment("TR");
  const type = rights & 15;
  if (type !== SYSTEM.busyTss && type !== SYSTEM.tss) return GP0;
  if (MAP_BASE_AT + 1 > limit) return GP0;
  const read = (offset: number): bigint | Fault =>
    memory.read(wrap(state, base + BigInt(offset)), 2, "read", "system");
  const map = read(MAP_BASE_AT);
  if (isFault(map)) return map;
  const at = Number(map) + (port >> 3);
  if (at + 1 > limit) return GP0;
  const bits = read(at);
  if (isFault(bits)) return bits;
  const mask = ((1 << size) - 1) << (port & 7);
  return (Number(bits) & mask) === 0 ? null : GP0;
}

type Transfer = (context: AssistContext, size: number, pointer: number) => Fault | null;

/** The three instructions of an entry: the opcode for bytes and the next one for the rest. */
export function portStrings(
  name: string,
  opcodes: readonly [string, string],
  pointer: number,
  transfer: Transfer,
): readonly Instruction[] {
  const run =
    (size: number) =>
    (context: AssistContext): Fault | null =>
      iterate(context, size, pointer, transfer);
  const [bytes, rest] = opcodes;
  return [
    systemInstruction(`${name}B`, { forms: [[bytes, ""]], repeat: "rep" }, run(1)),
    systemInstruction(`${name}W`, { forms: [[rest, "", { sizes: [16] }]], repeat: "rep" }, run(2)),
    systemInstruction(
      `${name}D`,
      { forms: [[rest, "", { sizes: [32, 64] }]], repeat: "rep" },
      run(4),
    ),
  ];
}

function iterate(
  context: AssistContext,
  size: number,
  pointer: number,
  transfer: Transfer,
): Fault | null {
  const { state, decoded, nextRip } = context;
  const { addressSize, repeat, length } = decoded;
  const count = BigInt.asUintN(addressSize, state.gpr(RCX));
  if (repeat !== "none" && count === 0n) return null;
  const fault = transfer(context, size, pointer);
  if (fault !== null) return fault;
  const step = BigInt(state.hasFlag(BIT.RFLAGS.DF) ? -size : size);
  writeGpr(state, pointer, addressSize, state.gpr(pointer) + step);
  if (repeat === "none") return null;
  writeGpr(state, RCX, addressSize, count - 1n);
  if (count > 1n) state.rip = BigInt.asUintN(is64Bit(state) ? 64 : 32, nextRip - BigInt(length));
  return null;
}

export const portOf = ({ state }: AssistContext): number => Number(state.gpr(RDX) & 0xffffn);
