/**
 * ENDBR32, ENDBR64: where an indirect branch may go. SDM Vol. 2A, "ENDBR32—Terminate an Indirect Branch in 32-bit and
 * Compatibility Mode" and "ENDBR64—Terminate an Indirect Branch in 64-bit Mode". There is no indirect branch tracking,
 * without which both are NOPs.
 */

import { type Instruction, instruction } from "../instruction.ts";

const endBranch = (mnemonic: string, modrm: string): Instruction =>
  instruction(mnemonic, { forms: [[`F3 0F 1E ${modrm}`, ""]], semantics: () => undefined });

export const ENDBR: readonly Instruction[] = [
  endBranch("ENDBR64", "FA"),
  endBranch("ENDBR32", "FB"),
];
