/** CLAC, STAC: clear and set the AC flag, so that CPL 0 may not or may reach user pages. SDM Vol. 2A, "CLAC—Clear AC Flag in EFLAGS Register"; Vol. 2B, "STAC—Set AC Flag in EFLAGS Register". */

import type { Instruction } from "../../instruction.ts";
import { RFLAGS } from "../../state.ts";
import { setFlags, systemInstruction, UD } from "../../system.ts";

const access = (name: string, opcode: string, value: bigint): Instruction =>
  systemInstruction(name, { feature: "SMAP", forms: [[opcode, ""]] }, ({ state, memory }) => {
    if (state.cpl !== 0) return UD;
    setFlags(state, RFLAGS.AC, value);
    memory.contextChanged();
    return null;
  });

export const CLAC: readonly Instruction[] = [
  access("CLAC", "NP 0F 01 CA", 0n),
  access("STAC", "NP 0F 01 CB", RFLAGS.AC),
];
