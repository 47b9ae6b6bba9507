/**
 * Real bugs that can be switched on, to see that a law falls to them. Each is declared beside the code that it changes,
 * which asks its world once whether it carries the mutant. See DESIGN, "Faults: real bugs, switchable".
 */

import { assert, InputError } from "./assert.ts";

export const MUTANT_CLASSES = [
  "MMU",
  "TLB",
  "dirty log",
  "VMX",
  "SVM",
  "emulation",
  "irqchip",
  "time",
  "virtio",
  "memory sharing",
  "scheduler",
  "block",
  "network",
  "policy",
  "sVirt",
] as const;

/** What the laws of whole hosts are about. */
export const PROPERTIES = [
  "OWN",
  "LIFE",
  "TLB",
  "DIRTY",
  "NI",
  "INTEG",
  "FRESH",
  "BOUNDS",
  "ONCE",
  "INTERCEPT",
  "ARCH",
  "REENT",
  "PROG",
  "QUOTA",
  "FAIR",
  "WORK",
  "MAC",
  "MIG",
] as const;

export type Property = (typeof PROPERTIES)[number];

export interface Mutant {
  /** Of the CVE or advisory, or of the commit that mended the bug. */
  readonly id: string;
  readonly class: (typeof MUTANT_CLASSES)[number];
  /** What the bug did, in a sentence. */
  readonly says: string;
  readonly cites: string;
  /** The properties that it breaks. */
  readonly breaks: readonly Property[];
}

/** Those that there are, and those that set-ups name that say nothing of them: a run depends on its set-up alone. */
class Mutants {
  readonly #declared = new Map<string, Mutant>();
  #standard: readonly string[] = [];

  get all(): readonly Mutant[] {
    return [...this.#declared.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  get standard(): readonly string[] {
    return this.#standard;
  }

  declare(text: Mutant): Mutant {
    assert(!this.#declared.has(text.id), `there is one mutant ${text.id}`);
    this.#declared.set(text.id, text);
    return text;
  }

  called(id: string): Mutant {
    const found = this.#declared.get(id);
    if (found === undefined) throw new InputError(`mutant ${id}: there is none of that name`);
    return found;
  }

  with<T>(ids: readonly string[], body: () => T): T {
    const before = this.#standard;
    this.#standard = ids.map((id) => this.called(id).id);
    try {
      return body();
    } finally {
      this.#standard = before;
    }
  }
}

const MUTANTS = new Mutants();

/** Declares a mutant: once, in the module that it changes. */
export const mutant = (text: Mutant): Mutant => MUTANTS.declare(text);

/** In the order of their names. */
export const allMutants = (): readonly Mutant[] => MUTANTS.all;

/** Throws InputError when there is none. */
export const mutantCalled = (id: string): Mutant => MUTANTS.called(id);

/** Worlds that `body` makes carry these mutants, where their set-up says nothing else. */
export const withMutants = <T>(ids: readonly string[], body: () => T): T => MUTANTS.with(ids, body);

/** What a set-up says of mutants that says nothing. */
export const standardMutants = (): readonly string[] => MUTANTS.standard;
