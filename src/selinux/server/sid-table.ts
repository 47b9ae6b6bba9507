/** Security identifiers of contexts. A number stands for the same text for ever; what the text means is the policy's that is loaded. Linux, security/selinux/ss/sidtab.c. */

import { formatContext, parseContext } from "../decisions/contexts.ts";
import type { LoadedPolicy } from "../decisions/loaded-policy.ts";
import type { Context } from "../policydb/policy.ts";
import type { Sid } from "../security-server.ts";
import { FIRST_SID, UNLABELED } from "./initial-sids.ts";

export interface SidRow {
  /** As the policy under which it was first seen writes it. */
  readonly text: string;
  /** Null while the policy has no such context: it then counts as unlabeled. */
  readonly context: Context | null;
}

export class SidTable {
  /** Contexts of the initial SIDs, by number - 1, then the others, in the order in which they were first seen. */
  #rows: SidRow[] = [];
  readonly #byText = new Map<string, Sid>();
  #loaded: LoadedPolicy;

  constructor(loaded: LoadedPolicy) {
    this.#loaded = loaded;
    this.#rows = initialRows(loaded);
  }

  /** Another policy: SIDs of contexts keep their numbers, and their texts are read anew. */
  load(loaded: LoadedPolicy): void {
    const rows = this.save().map(({ text }) => ({ text, context: parseContext(loaded, text) }));
    this.restore(loaded, rows);
  }

  /** Those that are not initial. */
  save(): readonly SidRow[] {
    return this.#rows.slice(FIRST_SID - 1);
  }

  restore(loaded: LoadedPolicy, rows: readonly SidRow[]): void {
    this.#loaded = loaded;
    this.#byText.clear();
    this.#rows = initialRows(loaded);
    for (const { text, context } of rows) this.#add(text, context);
  }

  /** Null when the policy has no such context. */
  sidOfText(text: string): Sid | null {
    const known = this.#byText.get(text);
    if (known !== undefined && this.#rows[known - 1]?.context !== null) return known;
    const context = parseContext(this.#loaded, text);
    return context === null ? null : this.sidOf(context);
  }

  sidOf(context: Context): Sid {
    const text = formatContext(this.#loaded, context);
    return this.#byText.get(text) ?? this.#add(text, context);
  }

  contextOf(sid: Sid): Context {
    return (
      this.#rows[sid - 1]?.context ?? ((this.#rows[UNLABELED - 1] as SidRow).context as Context)
    );
  }

  /** In the policy's form. */
  textOf(sid: Sid): string {
    return formatContext(this.#loaded, this.contextOf(sid));
  }

  #add(text: string, context: Context | null): Sid {
    const sid = this.#rows.push({ text, context });
    this.#byText.set(text, sid);
    return sid;
  }
}

/** Those that the policy leaves out are as unlabeled. */
function initialRows(loaded: LoadedPolicy): SidRow[] {
  const bySid = new Map(loaded.policy.initialSids.map(({ sid, context }) => [sid, context]));
  const unlabeled = bySid.get(UNLABELED) ?? null;
  return Array.from({ length: FIRST_SID - 1 }, (_, i) => {
    const context = bySid.get(i + 1) ?? unlabeled;
    return { text: context === null ? "" : formatContext(loaded, context), context };
  });
}
