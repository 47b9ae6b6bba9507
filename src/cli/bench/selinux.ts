/** How long a security policy takes to load, and how many decisions a second are made that no cache has seen: Debian's policy where it is installed, else a small one. */

import { existsSync, readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { PolicyQueries } from "../../../properties/support/policy-queries.ts";
import { policyFile } from "../../../properties/support/policy-files.ts";
import {
  booleanState,
  computeAccess,
  loadPolicy,
  RandomStreams,
  readPolicy,
} from "../../api/index.ts";
import { figure, type Measurement } from "./figures.ts";

const DEBIANS = "/etc/selinux/default/policy/policy.33";
const ROUNDS = 7;
const QUERIES = 20_000;
const BATCH = 100;
const LOAD_BAR = { relation: "below", value: 500 } as const;
const DECISIONS_BAR = { relation: "at least", value: 50_000 } as const;

const isDebians = existsSync(DEBIANS);
const name = isDebians ? "Debian's policy" : "a small policy";
const bytes = (): Uint8Array =>
  isDebians ? readFileSync(DEBIANS) : policyFile("everything-33.policy");

/** Milliseconds; the first is a cold process's own. */
function loadOnce(file: Uint8Array): number {
  const started = performance.now();
  loadPolicy(readPolicy(file, name));
  return performance.now() - started;
}

export const decisions: readonly Measurement[] = [
  {
    what: `load: ${name}`,
    measure(seconds) {
      const file = bytes();
      const first = loadOnce(file);
      const samples = [first];
      const started = performance.now();
      while (performance.now() - started < seconds * 1000) samples.push(loadOnce(file));
      return [
        figure(`load: ${name}, for the first time`, "ms", [first], LOAD_BAR),
        figure(`load: ${name}`, "ms", samples),
      ];
    },
  },
  {
    what: `decisions: ${name}`,
    measure(seconds) {
      const loaded = loadPolicy(readPolicy(bytes(), name));
      const state = booleanState(loaded);
      const draws = new PolicyQueries(
        loaded.policy,
        new RandomStreams("selinux").stream("queries"),
      );
      const queries = Array.from({ length: QUERIES }, () => draws.next());
      const rates: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        let made = 0;
        const started = performance.now();
        do {
          for (let i = 0; i < BATCH; i += 1) {
            const { source, target, tclass } = queries[(made + i) % QUERIES] as (typeof queries)[0];
            computeAccess(loaded, state, source, target, tclass);
          }
          made += BATCH;
        } while (performance.now() - started < (seconds * 1000) / ROUNDS);
        rates.push((made * 1000) / (performance.now() - started));
      }
      return [figure(`decisions: ${name}, not cached`, "a second", rates, DECISIONS_BAR)];
    },
  },
];
