/** Whether the simulated CPU answers as a real one did, but for what coverage/native-differences.md declares. */

import { type Answer, differences, type Engine, runModel } from "./model.ts";
import type { NativeCase, NativeResult } from "./records.ts";
import {
  EARLY_MMX,
  isApproximate,
  isMxcsrMask,
  isOfX87,
  isPlaceInOperand,
  LONG_OPERAND,
  TRANSCENDENTAL,
} from "./x87-differences.ts";

/** Approximations, of which the manual leaves the bits open. */
const APPROXIMATE = /^R(CP|SQRT)[PS]S$/;

/** AMD's processors have done a part of these when they come to a fault. */
const PARTLY_DONE = /^(PUSH|POP)AD?$/;

function isDeclared(mnemonic: string, native: NativeResult, line: string): boolean {
  if (APPROXIMATE.test(mnemonic)) return line.startsWith("XMM");
  if (TRANSCENDENTAL.test(mnemonic)) return isApproximate(line);
  if (EARLY_MMX.test(mnemonic)) return native.outcome === "fault" && isOfX87(line);
  if (LONG_OPERAND.test(mnemonic)) return isPlaceInOperand(line) || isMxcsrMask(line);
  return (
    PARTLY_DONE.test(mnemonic) && native.outcome === "fault" && /^(register|memory)/.test(line)
  );
}

/** In what the first engine that differs does so, one line each; the reference must be the first. */
export function disagreement(
  mnemonic: string,
  input: NativeCase,
  native: NativeResult,
  engines: readonly Engine[],
): readonly string[] {
  let ignored = 0n;
  for (const engine of engines) {
    const answer: Answer = runModel(engine, input);
    if (engine === "reference") ignored = answer.undefinedFlags;

    const found = differences(native, answer, ignored).filter(
      (line) => !isDeclared(mnemonic, native, line),
    );
    if (found.length > 0) return found.map((line) => `${engine}: ${line}`);
  }
  return [];
}
