/** Differences from the CPU in x87 instructions that coverage/native-differences.md declares. */

/** The last bit of their results, and how they were rounded, is the processor's own. */
export const TRANSCENDENTAL = /^(F2XM1|FYL2X(P1)?|FPATAN|FPTAN|FSIN|FCOS|FSINCOS)$/;
const C1 = 0x200;

/** A register that is at most one unit of the last place away, or C1. */
export function isApproximate(line: string): boolean {
  const found = /^(ST\(\d\)|x87 status): (\S+) on the CPU, (\S+) here$/.exec(line);
  const [, what, theirs = "", ours = ""] = found ?? [];
  if (what === undefined) return false;
  if (what === "x87 status")
    return ((Number.parseInt(theirs, 16) ^ Number.parseInt(ours, 16)) & ~C1) === 0;
  const place = (text: string): bigint => {
    const [exponent = "", significand = ""] = text.split(":");
    return (BigInt(`0x${exponent}`) << 63n) + BigInt.asUintN(63, BigInt(`0x${significand}`));
  };
  const distance = place(theirs) - place(ours);
  return distance >= -1n && distance <= 1n;
}

/** Of an operand that is read or written in parts, which of them faults first. */
export const LONG_OPERAND =
  /^(FLDENV|FNSTENV|FRSTOR|FNSAVE|FX(SAVE|RSTOR)(64)?|X(SAVE(OPT|C)?|RSTOR)(64)?)$/;

/** A page fault in the same page, for the same reason. */
export function isPlaceInPage(line: string): boolean {
  const found = /^fault: 14 (\S+) (\S+) on the CPU, 14 (\S+) (\S+) here$/.exec(line);
  const [, theirCode, theirs = "", ourCode, ours = ""] = found ?? [];
  return found !== null && theirCode === ourCode && theirs.slice(0, -3) === ours.slice(0, -3);
}

/** They change the x87 stack before they fault. */
export const EARLY_MMX = /^(CVTT?P[SD]2PI|CVTPI2PS|MASKMOVQ)$/;

export const isOfX87 = (line: string): boolean => /^(x87|ST\()/.test(line);
