/** The laws as texts: each can be told from the others, agreed with, looked up, and is not empty. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import "./index.ts";
import { casesOf, checkLaw, DEFAULT_SEED, type Law, statedLaws } from "./support/law.ts";

const SAMPLES = 200;
/** A law should speak of at least this share of the cases that it draws. */
const LEAST_SHARE = 0.25;

const namesOf = (laws: readonly Law[]): string[] => laws.map(({ name }) => name);

/** Names of the laws for which `isWrong`. */
const lawsWhere = (isWrong: (stated: Law) => boolean): string[] =>
  namesOf(statedLaws().filter(isWrong));

function casesDrawn(stated: Law): unknown[] {
  return fc.sample(fc.record<object>(stated.forAll), { seed: DEFAULT_SEED, numRuns: SAMPLES });
}

describe("the laws", () => {
  test("are there, each with a name of its own in kebab case", () => {
    const names = namesOf(statedLaws());
    expect(names.length).toBeGreaterThan(20);
    expect(new Set(names).size).toBe(names.length);
    expect(lawsWhere(({ name }) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))).toEqual([]);
  });

  test("each say one sentence, cite its source and know their place", () => {
    expect(lawsWhere(({ says }) => !/^[A-Z0-9].{10,}[^.]\.$/.test(says))).toEqual([]);
    expect(lawsWhere(({ cites }) => cites.trim().length < 5)).toEqual([]);
    expect(lawsWhere(({ place }) => !/^[\w/-]+$/.test(place))).toEqual([]);
  });

  test("speak of a good share of the cases that they draw", () => {
    const tooFew = lawsWhere((stated) => {
      const { given } = stated;
      if (given === undefined) return false;
      return casesDrawn(stated).filter(given).length < LEAST_SHARE * SAMPLES;
    });
    expect(tooFew).toEqual([]);
  });

  test("draw cases that differ, and check at least one", () => {
    const tooAlike = lawsWhere((stated) => new Set(casesDrawn(stated).map(fc.stringify)).size < 4);
    expect(tooAlike).toEqual([]);
    expect(lawsWhere((stated) => casesOf(stated, 0.001) < 1)).toEqual([]);
  });
});

describe("checking a law", () => {
  const stated: Law<{ n: number }> = {
    name: "small",
    place: "",
    says: "Numbers are small.",
    cites: "this test",
    forAll: { n: fc.nat(1000) },
    holds: ({ n }) => n < 500,
  };
  const check = (some: Partial<Law<{ n: number }>>, seed = 1, path?: string) =>
    checkLaw({ ...stated, ...some } as unknown as Law, {
      seed,
      factor: 1,
      ...(path === undefined ? {} : { path }),
    });

  test("shrinks what breaks it, and runs exactly that again from its seed and path", () => {
    const { failure } = check({});
    expect(failure?.counterexample).toBe('{"n":500}');
    expect(check({}, failure?.seed, failure?.path).failure?.counterexample).toBe('{"n":500}');
  });

  test("fails where a predicate throws, and where too few cases are spoken of", () => {
    const holds = (): never => {
      throw new Error("seen: 7");
    };
    expect(check({ holds }).failure?.message).toContain("seen: 7");
    expect(check({ given: () => false, holds: () => true }).failure).not.toBe(null);
  });

  test("runs past counterexamples first", () => {
    const { failure, cases } = check({ holds: ({ n }) => n !== 7, once: [{ n: 7 }] });
    expect(failure?.counterexample).toBe('{"n":7}');
    expect(cases).toBe(1);
  });
});
