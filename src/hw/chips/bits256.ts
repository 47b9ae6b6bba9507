/** A set of interrupt vectors, as eight words: SDM Vol. 3, "Interrupt Acceptance for Fixed Interrupts" (IRR, ISR, TMR). */

export const noBits = (): number[] => [0, 0, 0, 0, 0, 0, 0, 0];

/** The highest member; -1 for none. */
export function highestBit(words: readonly number[]): number {
  for (let i = 7; i >= 0; i -= 1) {
    const word = words[i] as number;
    if (word !== 0) return 32 * i + 31 - Math.clz32(word);
  }
  return -1;
}

export const hasBit = (words: readonly number[], vector: number): boolean =>
  (((words[vector >> 5] as number) >>> (vector & 31)) & 1) === 1;

export function setBit(words: number[], vector: number, isMember = true): void {
  const bit = 1 << (vector & 31);
  const word = words[vector >> 5] as number;
  words[vector >> 5] = (isMember ? word | bit : word & ~bit) >>> 0;
}
