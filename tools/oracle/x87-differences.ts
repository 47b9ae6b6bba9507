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

/** Longer than any of these operands. */
const LONGEST = 0x400n;

/** A page fault elsewhere in the operand, for the same reason unless the operand reaches over the end of addresses. */
export function isPlaceInOperand(line: string): boolean {
  const found = /fault: 14 (\S+) (\S+) on the CPU, 14 (\S+) (\S+) here$/.exec(line);
  if (found === null) return false;
  const [, theirCode, theirs = "", ourCode, ours = ""] = found;
  const [there, here] = [BigInt(`0x${theirs}`), BigInt(`0x${ours}`)];
  const isNear = BigInt.asUintN(32, there - here) < LONGEST;
  return isNear && (theirCode === ourCode || there < here);
}

/** They change the x87 stack before they fault. */
export const EARLY_MMX = /^(CVTT?P[SD]2PI|CVTPI2PS|MASKMOVQ)$/;

export const isOfX87 = (line: string): boolean => /^(x87|ST\()/.test(line);

/** AMD's processors have a bit 17 of MXCSR, MM: the third byte of MXCSR_MASK in an image of FXSAVE. */
export function isMxcsrMask(line: string): boolean {
  const found = /^memory: (.*) on the CPU, (.*) here$/.exec(line);
  const [theirs, ours] = [bytesIn(found?.[1] ?? ""), bytesIn(found?.[2] ?? "")];
  const places = new Set([...theirs.keys(), ...ours.keys()]);
  const differing = [...places].filter((at) => theirs.get(at) !== ours.get(at));
  const [at, ...others] = differing;
  if (at === undefined || others.length > 0) return false;
  return at % 16 === MASK_BYTE && (theirs.get(at) ?? MASK_OF_AMD) === MASK_OF_AMD;
}

const MASK_BYTE = 30 % 16;
const MASK_OF_AMD = 2;

/** Changed bytes by address. */
function bytesIn(text: string): ReadonlyMap<number, number> {
  const bytes = new Map<number, number>();
  for (const range of text.split(" ")) {
    const [address = "", hex = ""] = range.split("=");
    const at = Number.parseInt(address, 16);
    for (let i = 0; i < hex.length; i += 2)
      bytes.set(at + i / 2, Number.parseInt(hex.slice(i, i + 2), 16));
  }
  return bytes;
}
