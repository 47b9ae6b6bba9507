/**
 * What a law is: a sentence, a citation, generators and a predicate. A law is data; who runs it (vitest, the command)
 * is decided outside. Case values print in readable form through fast-check.
 */

import fc from "fast-check";
import { withMutants } from "../../src/sim/mutants.ts";

export interface LawText<T> {
  /** The sentence one can agree or disagree with. */
  readonly says: string;
  /** Manual and section title, or the design decision, that it follows from. */
  readonly cites: string;
  readonly forAll: { readonly [K in keyof T]: fc.Arbitrary<T[K]> };
  /** The law speaks only of cases for which this holds. */
  readonly given?: (value: T) => boolean;
  /** Must return true, or throw with what was seen. */
  readonly holds: (value: T) => boolean | void;
  /** Past counterexamples, which run first. */
  readonly once?: readonly T[];
  /** Cases of one check at the ordinary effort. */
  readonly runs?: number;
  /** A case as a person would write it down; without it, as data. */
  readonly script?: (value: T) => string;
  /** What happened last in a case that breaks the law. */
  readonly story?: (value: T) => string;
}

export interface Law<T = unknown> extends LawText<T> {
  /** Kebab case; the file of a law is named after what its laws are about. */
  readonly name: string;
  /** Folder and file that state it, as `sim/order`; empty when the JavaScript host does not tell. */
  readonly place: string;
}

export interface LawFailure {
  /** With `path`, runs exactly the failing case again. */
  readonly seed: number;
  readonly path: string;
  readonly counterexample: string;
  /** What happened last, where the law tells. */
  readonly story?: string;
  readonly shrinks: number;
  readonly message: string;
}

export interface LawResult {
  readonly law: string;
  readonly cases: number;
  readonly failure: LawFailure | null;
}

export interface Effort {
  readonly seed: number;
  /** Multiplies the cases of each law. */
  readonly factor: number;
  /** Runs one failing case again. */
  readonly path?: string;
  /** Real bugs that the worlds of all cases carry. */
  readonly mutants?: readonly string[];
  /** Told of each case before it runs. */
  readonly onCase?: () => void;
}

/** Whoever names no seed draws the same cases as everybody else. */
export const DEFAULT_SEED = 20_261_123;

const DEFAULT_RUNS = 100;
const laws: Law[] = [];
let host: ((law: Law) => void) | null = null;

/** Names who is told of each law as it is stated; vitest's set-up turns them into tests. */
export function setLawHost(tell: (law: Law) => void): void {
  host = tell;
}

/** States a law. */
export function law<T>(name: string, text: LawText<T>): Law<T> {
  const stated: Law<T> = { name, place: placeOfCaller(), ...text };
  laws.push(stated as unknown as Law);
  host?.(stated as unknown as Law);
  return stated;
}

function placeOfCaller(): string {
  return /properties[\\/]([^:]+)\.property\.[jt]s/.exec(new Error().stack ?? "")?.[1] ?? "";
}

/** All laws stated so far. */
export function statedLaws(): readonly Law[] {
  return laws;
}

export function casesOf(stated: Law, factor: number): number {
  return Math.max(1, Math.round((stated.runs ?? DEFAULT_RUNS) * factor));
}

/** Checks a law and shrinks what breaks it. */
export function checkLaw(stated: Law, effort: Effort): LawResult {
  const { given, holds, forAll, once = [], script = fc.stringify, story } = stated;
  const mutants = effort.mutants ?? [];
  const casesWanted = effort.path === undefined ? Number.POSITIVE_INFINITY : 1;
  let cases = 0;
  const property = fc.property(
    fc.record(forAll as Record<string, fc.Arbitrary<unknown>>),
    (value) => {
      cases += 1;
      // After the case at the path, fast-check would go on to its neighbours.
      if (cases > casesWanted) return true;
      fc.pre(given?.(value) ?? true);
      effort.onCase?.();
      return withMutants(mutants, () => holds(value)) ?? true;
    },
  );
  const details = fc.check(property, {
    seed: effort.seed,
    numRuns: casesOf(stated, effort.factor),
    examples: once.map((value) => [value as Record<string, unknown>] as [Record<string, unknown>]),
    ...(effort.path === undefined ? {} : { path: effort.path, endOnFailure: true }),
  });
  const ran = Math.min(details.numRuns, casesWanted);
  if (!details.failed) return { law: stated.name, cases: ran, failure: null };
  const found = details.counterexample?.[0];
  const failure: LawFailure = {
    seed: details.seed,
    path: details.counterexamplePath ?? "",
    counterexample: found === undefined ? "" : script(found),
    ...(found === undefined || story === undefined
      ? {}
      : { story: withMutants(mutants, () => story(found)) }),
    shrinks: details.numShrinks,
    message: messageOf(details.errorInstance, details.counterexample === null),
  };
  return { law: stated.name, cases: ran, failure };
}

/** What fast-check says of a predicate that returns false. */
const RETURNED_FALSE = "Property failed by returning false";

function messageOf(error: unknown, ranOut: boolean): string {
  if (ranOut) return "too few cases fulfil what the law speaks of";
  const message = error instanceof Error ? error.message : "";
  return message === "" || message.startsWith(RETURNED_FALSE) ? "it does not hold" : message;
}
