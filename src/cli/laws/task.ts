/** What a worker does: checks one law of those that it knows, and tells how far it is. */

import { performance } from "node:perf_hooks";
import type { MessagePort } from "node:worker_threads";
import { statedLaws } from "../../../properties/support/law.ts";
import { type LawRun, runLaw } from "./run.ts";

export interface LawTask {
  readonly name: string;
  readonly seed: number;
  readonly factor: number;
  readonly mutants: readonly string[];
  /** Is told the number of cases now and then, and closes when the worker ends. */
  readonly port: MessagePort;
}

const TELL_MILLISECONDS = 50;

export function runTask({ name, seed, factor, mutants, port }: LawTask): LawRun {
  const law = statedLaws().find((one) => one.name === name);
  if (law === undefined) throw new Error(`the worker has no law ${name}`);
  let told = Number.NEGATIVE_INFINITY;
  return runLaw(law, { seed, factor, mutants }, (cases) => {
    const now = performance.now();
    if (now - told < TELL_MILLISECONDS) return;
    told = now;
    port.postMessage(cases);
  });
}
