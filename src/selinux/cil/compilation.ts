/** A policy while it is compiled: every name that was declared, and the rules so far. */

import type {
  Context,
  GenfsContext,
  HandleUnknown,
  MlsLevel,
  MlsRange,
  ObjectContexts,
  RangeTransition,
  RoleAllow,
  RoleTransition,
} from "../policydb/policy.ts";
import type {
  Alias,
  AttributeEntry,
  BooleanEntry,
  CategoryEntry,
  CategorySetEntry,
  ClassEntry,
  ClassPermissions,
  CommonEntry,
  ExtendedPermissionSet,
  RoleAttributeEntry,
  RoleEntry,
  SensitivityEntry,
  SidEntry,
  TypeEntry,
  UserEntry,
} from "./entries.ts";
import type { FileContext } from "./file-contexts.ts";
import type { Form, List } from "./forms.ts";
import { type Depth, Lazy } from "./lazy.ts";
import { Names } from "./names.ts";
import type { Order } from "./order.ts";
import { type CilConditional, RuleTable } from "./rule-table.ts";
import type { Bits } from "./sets.ts";
import type { Place, Source } from "./source.ts";

/** Statements that name attributes may stand for many rules; a policy has no more than these. */
const RULES_MAX = 2_000_000;
/** Of a rule that forbids and one that allows; a policy with thousands of both needs fewer. */
const COMPARISONS_MAX = 200_000_000;

type Mutable<T> = T extends readonly (infer U)[] ? U[] : never;

/** Which types a rule was written for. */
export interface WrittenPairs extends Place {
  readonly source: Bits;
  readonly target: Bits;
  /** The target is the source itself. */
  readonly self: boolean;
}

export interface AllowRule extends WrittenPairs, ClassPermissions {
  /** Where it went. */
  readonly table: RuleTable;
}

export interface ExtendedAllowRule extends WrittenPairs, ExtendedPermissionSet {}

export interface CilFilenameTransition {
  readonly name: string;
  readonly target: number;
  readonly class: number;
  readonly sources: Map<number, Bits>;
}

export class Compilation {
  readonly source: Source;
  readonly depth: Depth = { now: 0 };
  #rules = 0;
  #comparisons = 0;

  readonly commons: Names<CommonEntry>;
  readonly classes: Names<ClassEntry>;
  readonly classPermissions: Names<{ readonly forms: Form[] }>;
  readonly extendedPermissions: Names<Lazy<ExtendedPermissionSet>>;
  readonly types: Names<TypeEntry | AttributeEntry | Alias<TypeEntry>>;
  readonly roles: Names<RoleEntry | RoleAttributeEntry>;
  readonly users: Names<UserEntry>;
  readonly booleans: Names<BooleanEntry>;
  readonly sensitivities: Names<SensitivityEntry | Alias<SensitivityEntry>>;
  readonly categories: Names<CategoryEntry | CategorySetEntry | Alias<CategoryEntry>>;
  readonly levels: Names<Lazy<MlsLevel>>;
  readonly ranges: Names<Lazy<MlsRange>>;
  readonly contexts: Names<Lazy<Context>>;
  readonly addresses: Names<readonly number[]>;
  readonly sids: Names<SidEntry>;

  readonly orders: Record<"class" | "sensitivity" | "category" | "sid", Order>;
  /** In the order of their values. */
  ordered: { classes: readonly ClassEntry[]; categories: readonly CategoryEntry[] } = {
    classes: [],
    categories: [],
  };
  typeCount = 0;
  /** Without object_r. */
  roleCount = 0;
  /** Attributes that have a value, in its order; their values come after those of the types. */
  readonly usedAttributes: AttributeEntry[] = [];
  mls = false;
  handleUnknown: HandleUnknown = "deny";
  readonly capabilities = new Set<number>();
  readonly permissiveTypes = new Set<number>();

  readonly rules = new RuleTable();
  /** By what makes expressions equal. */
  readonly conditionals = new Map<string, CilConditional>();
  /** The first type rules with their keys under any condition. */
  readonly conditionalTypes = new RuleTable();
  /** Commands by key of the rule: a list that says source, target, class and what is specified. */
  readonly commands = new Map<string, { readonly key: readonly number[]; commands: Bits }>();
  readonly allows: AllowRule[] = [];
  readonly extendedAllows: ExtendedAllowRule[] = [];
  readonly neverallows: List[] = [];
  readonly roleTransitions = new Map<string, RoleTransition>();
  readonly roleAllows: RoleAllow[] = [];
  /** By name, target and class: for each new type its sources. */
  readonly filenameTransitions = new Map<string, CilFilenameTransition>();
  readonly rangeTransitions = new Map<string, RangeTransition>();
  /** Contexts and where they stand: what is allowed in one is known when all is read. */
  readonly usedContexts: (Place & { readonly context: Context })[] = [];
  /** Likewise, levels. */
  readonly usedLevels: (Place & { readonly level: MlsLevel })[] = [];
  readonly objects: { [K in keyof ObjectContexts]: Mutable<ObjectContexts[K]> } = {
    filesystems: [],
    ports: [],
    interfaces: [],
    nodes: [],
    fsUses: [],
    infinibandKeys: [],
    infinibandPorts: [],
  };
  readonly genfs: { readonly filesystem: string; readonly path: GenfsContext["paths"][number] }[] =
    [];
  readonly fileContexts: FileContext[] = [];
  readonly #labelled = new Map<string, string>();

  constructor(source: Source, orders: Compilation["orders"]) {
    const names = <T>(kind: string): Names<T> => new Names<T>(source, kind);
    this.source = source;
    this.orders = orders;
    this.commons = names("a common");
    this.classes = names("a class");
    this.classPermissions = names("a set of permissions");
    this.extendedPermissions = names("extended permissions");
    this.types = names("a type");
    this.roles = names("a role");
    this.users = names("a user");
    this.booleans = names("a boolean");
    this.sensitivities = names("a sensitivity");
    this.categories = names("a category");
    this.levels = names("a level");
    this.ranges = names("a range of levels");
    this.contexts = names("a context");
    this.addresses = names("an address");
    this.sids = names("an initial SID");
  }

  fail(place: Place, message: string): never {
    return this.source.fail(place, message);
  }

  lazy<T>(place: Form, compute: () => T): Lazy<T> {
    return new Lazy(this.source, this.depth, place, compute);
  }

  /** To be called before rules are made of a statement. */
  spend(rules: number, place: Place): void {
    this.#rules += rules;
    if (this.#rules > RULES_MAX) {
      this.fail(place, `expected at most ${RULES_MAX} rules when attributes are expanded`);
    }
  }

  /** To be called before rules are held against each other. */
  compare(rules: number, place: Place): void {
    this.#comparisons += rules;
    if (this.#comparisons > COMPARISONS_MAX) {
      this.fail(place, `expected at most ${COMPARISONS_MAX} rules to compare`);
    }
  }

  /** Whether nothing had this label before; two that differ cannot stand. */
  isNewLabel(what: string, contexts: readonly (Context | null)[], place: Place): boolean {
    const text = JSON.stringify(contexts);
    const known = this.#labelled.get(what);
    if (known !== undefined && known !== text) {
      this.fail(place, "expected the context that was already said for this");
    }
    this.#labelled.set(what, text);
    return known === undefined;
  }
}
