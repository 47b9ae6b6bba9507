/** How long a security policy takes to load, and how many decisions a second are made that no cache has seen: Debian's policy where it is installed, else a small one. */

import { existsSync, readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { PolicyQueries } from "../../../properties/support/policy-queries.ts";
import { policyFile } from "../../../properties/support/policy-files.ts";
import {
  booleanState,
  CLASS_MAP,
  computeAccess,
  formatContext,
  type LoadedPolicy,
  loadPolicy,
  RandomStreams,
  readPolicy,
  Selinux,
} from "../../api/index.ts";
import { figure, type Measurement } from "./figures.ts";

const DEBIANS = "/etc/selinux/default/policy/policy.33";
const ROUNDS = 7;
const QUERIES = 20_000;
const BATCH = 100;
const LOAD_BAR = { relation: "below", value: 500 } as const;
const CACHED_BAR = { relation: "at least", value: 2_000_000 } as const;
/** Pairs that the cache holds, and that hooks ask about again and again. */
const PAIRS = 200;
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
      let next = 0;
      const batch = (): void => {
        for (let i = 0; i < BATCH; i += 1) {
          const { source, target, tclass } = queries[next] as (typeof queries)[0];
          computeAccess(loaded, state, source, target, tclass);
          next = (next + 1) % QUERIES;
        }
      };
      const rates = ratesOf(seconds, batch, BATCH);
      return [figure(`decisions: ${name}, not cached`, "a second", rates, DECISIONS_BAR)];
    },
  },
  {
    what: `decisions from the cache: ${name}`,
    measure(seconds) {
      const loaded = loadPolicy(readPolicy(bytes(), name));
      const selinux = new Selinux({
        audit: { record: () => {} },
        policies: () => loaded,
        policy: name,
        enforcing: true,
      });
      const asked = cachedQueries(loaded, selinux);
      const ask = ({ source, target, tclass, permissions }: (typeof asked)[number]): void =>
        void selinux.check(source, target, tclass, permissions, SUBJECT, []);
      asked.forEach(ask);
      const rates = ratesOf(seconds, () => asked.forEach(ask), asked.length);
      return [figure(`decisions: ${name}, from the cache`, "a second", rates, CACHED_BAR)];
    },
  },
];

const SUBJECT = { pid: 1, comm: "bench" };

/** Of those that are allowed: nothing is told of them. */
function cachedQueries(loaded: LoadedPolicy, selinux: Selinux) {
  const draws = new PolicyQueries(loaded.policy, new RandomStreams("selinux").stream("cached"));
  const state = booleanState(loaded);
  const found: {
    readonly source: number;
    readonly target: number;
    readonly tclass: string;
    readonly permissions: readonly string[];
  }[] = [];
  while (found.length < PAIRS) {
    const { source, target, tclass } = draws.next();
    const { allowed, auditallow } = computeAccess(loaded, state, source, target, tclass);
    const { name: className, permissions = [] } = loaded.policy.classes[tclass - 1] ?? {};
    const mask = allowed & ~auditallow;
    const granted = permissions.filter((_, bit) => (mask & (1 << bit)) !== 0).slice(0, 2);
    if (className === undefined || granted.length === 0 || !CLASS_MAP.has(className)) continue;
    const known = CLASS_MAP.get(className) ?? [];
    if (!granted.every((one) => known.includes(one))) continue;
    found.push({
      source: selinux.sidOf(formatContext(loaded, source)) as number,
      target: selinux.sidOf(formatContext(loaded, target)) as number,
      tclass: className,
      permissions: granted,
    });
  }
  return found;
}

/** How often `work`, which is worth `each`, was done a second, in rounds. */
function ratesOf(seconds: number, work: () => void, each: number): number[] {
  return Array.from({ length: ROUNDS }, () => {
    let made = 0;
    const started = performance.now();
    do {
      work();
      made += each;
    } while (performance.now() - started < (seconds * 1000) / ROUNDS);
    return (made * 1000) / (performance.now() - started);
  });
}
