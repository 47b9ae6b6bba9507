/** Random questions to a policy, with what libsepol and we answer. */

import { type Draw, PolicyQueries } from "../../properties/support/policy-queries.ts";
import { computeAccess } from "../../src/selinux/decisions/access.ts";
import { booleanState, type BooleanState } from "../../src/selinux/decisions/booleans.ts";
import { refusedTransition } from "../../src/selinux/decisions/constraints.ts";
import { formatContext, parseContext } from "../../src/selinux/decisions/contexts.ts";
import { type LoadedPolicy, loadPolicy } from "../../src/selinux/decisions/loaded-policy.ts";
import { change, member, transition } from "../../src/selinux/decisions/transitions.ts";
import { valuesOf } from "../../src/selinux/policydb/ebitmap.ts";
import type { Context, Policy } from "../../src/selinux/policydb/policy.ts";

interface Asked {
  readonly question: string;
  /** Null where libsepol is known to answer wrongly. */
  readonly ours: string | null;
}

/**
 * libsepol 3.4 prints a wrong last category of a run that ends with the last bit of a node of the
 * set, when the next node does not follow at once: `c190,c959,c969` for c190,c191,c969.
 */
const isMisprinted = ({ range }: Context): boolean =>
  range !== null &&
  [range.low, range.high].some(({ categories }) =>
    valuesOf(categories).some(
      (bit, i, bits) => bit % 64 === 63 && bits[i - 1] === bit - 1 && (bits[i + 1] ?? 0) > bit + 1,
    ),
  );

export class Questions {
  readonly #loaded: LoadedPolicy;
  readonly #queries: PolicyQueries;
  readonly #draw: Draw;
  /** By text; the oracle counts from 1. */
  readonly #sids = new Map<string, number>();
  readonly #contexts: Asked[] = [];
  readonly #asked: Asked[] = [];
  #booleans: BooleanState;

  constructor(policy: Policy, draw: Draw) {
    this.#loaded = loadPolicy(policy);
    this.#draw = draw;
    this.#queries = new PolicyQueries(policy, draw);
    this.#booleans = booleanState(this.#loaded);
    for (const context of this.#queries.contexts) this.#sidOf(context);
  }

  /** Contexts come first, so that their SIDs are known. */
  get all(): readonly Asked[] {
    return [...this.#contexts, ...this.#asked];
  }

  drawBooleans(): void {
    const values = this.#loaded.policy.booleans.map(() => this.#draw.below(2) === 0);
    this.#booleans = booleanState(this.#loaded, values);
    values.forEach((value, i) => this.#ask(`b ${i + 1} ${value ? 1 : 0}`, "1"));
  }

  access(): void {
    const { source, target, tclass } = this.#queries.next();
    const { allowed, auditallow, auditdeny } = computeAccess(
      this.#loaded,
      this.#booleans,
      source,
      target,
      tclass,
    );
    const ours = [allowed, auditallow, auditdeny].map((mask) => mask.toString(16)).join(" ");
    this.#ask(`a ${this.#sidOf(source)} ${this.#sidOf(target)} ${tclass}`, ours);
  }

  /** libsepol knows no sockets, and takes no context that is not valid. */
  transition(): void {
    const { source, target, tclass } = this.#queries.next();
    if (this.#loaded.isSocket[tclass] === true) return;
    const kind = this.#draw.below(3);
    const compute = [transition, member, change][kind] ?? transition;
    const computed = compute(this.#loaded, this.#booleans, source, target, tclass);
    const letter = "tmh"[kind] ?? "t";
    this.#ask(
      `${letter} ${this.#sidOf(source)} ${this.#sidOf(target)} ${tclass}`,
      this.#textOf(computed?.valid === true ? computed.context : null),
    );
  }

  validation(): void {
    const { source, target, tclass } = this.#queries.next();
    const task = this.#queries.next().source;
    const ours = refusedTransition(this.#loaded, source, target, task, tclass) === null ? "1" : "0";
    const sids = [source, target, task].map((context) => this.#sidOf(context));
    this.#ask(`v ${sids.join(" ")} ${tclass}`, ours);
  }

  /** What libsepol said otherwise. SIDs of new contexts are its own affair. */
  differences(answers: readonly string[]): readonly string[] {
    return this.all.flatMap(({ question, ours }, i) => {
      const theirs = (answers[i] ?? "").replace(/^[1-9]\d* (?=.*:)/, "");
      if (ours === null || theirs === ours) return [];
      return [`${question}: ours ${ours}, libsepol's ${theirs}`];
    });
  }

  /** Asks for its SID when it is new. */
  #sidOf(context: Context): number {
    const text = formatContext(this.#loaded, context);
    const known = this.#sids.get(text);
    if (known !== undefined) return known;
    const parsed = parseContext(this.#loaded, text);
    const ours = this.#textOf(parsed);
    this.#contexts.push({ question: `c ${text}`, ours });
    this.#sids.set(text, this.#sids.size + 1);
    return this.#sids.size;
  }

  #textOf(context: Context | null): string | null {
    if (context === null) return "0";
    return isMisprinted(context) ? null : formatContext(this.#loaded, context);
  }

  #ask(question: string, ours: string | null): void {
    this.#asked.push({ question, ours });
  }
}
