/** One law checked, wherever that happens: what came of it and how long it took, as plain data. */

import { performance } from "node:perf_hooks";
import {
  checkLaw,
  type Effort,
  type Law,
  type LawResult,
} from "../../../properties/support/law.ts";
import { InputError } from "../../api/index.ts";

export interface LawRun {
  readonly result: LawResult;
  readonly milliseconds: number;
}

/** Where a case is among those of a seed, as a failure tells. */
export const isPath = (text: string): boolean => /^\d+(:\d+)*$/.test(text);

/** `onCases` hears how many cases have begun. */
export function runLaw(law: Law, effort: Effort, onCases: (cases: number) => void): LawRun {
  let cases = 0;
  const onCase = (): void => {
    cases += 1;
    onCases(cases);
  };
  const started = performance.now();
  const result = resultOf(law, { ...effort, onCase }, () => cases);
  return { result, milliseconds: performance.now() - started };
}

/** A law whose own machinery throws, its generators for one, has fallen like any other. */
function resultOf(law: Law, effort: Effort, cases: () => number): LawResult {
  try {
    return checkLaw(law, effort);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (effort.path !== undefined && message.startsWith("Unable to replay")) {
      throw new InputError(`--path ${effort.path}: leads to no case of ${law.name}`);
    }
    return uncheckable(law, effort.seed, cases(), message);
  }
}

/** What is said of a law when no case can be blamed. */
export function uncheckable(law: Law, seed: number, cases: number, message: string): LawResult {
  const failure = {
    seed,
    path: "",
    counterexample: "no case: the law could not be checked",
    shrinks: 0,
    message: `the check itself failed: ${message}`,
  };
  return { law: law.name, cases, failure };
}
