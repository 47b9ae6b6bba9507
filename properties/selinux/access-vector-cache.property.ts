/** Laws of the answers that a kernel gives from its cache, of permissive kernels and domains, and of what is told. */

import fc from "fast-check";
import { compileCil } from "../../src/selinux/cil/compile.ts";
import { type LoadedPolicy, loadPolicy } from "../../src/selinux/decisions/loaded-policy.ts";
import { Selinux } from "../../src/selinux/selinux.ts";
import { law } from "../support/law.ts";
import {
  anyRequest,
  anySmallPolicy,
  anyType,
  BOOLEANS,
  COMMANDS,
  contextOf,
  type SmallPolicy,
  textOf,
} from "../support/small-policies.ts";

type Step =
  | {
      readonly do: "check";
      readonly source: string;
      readonly target: string;
      readonly request: { readonly tclass: string; readonly permissions: readonly string[] };
    }
  | {
      readonly do: "ioctl";
      readonly source: string;
      readonly target: string;
      readonly command: number;
    }
  | { readonly do: "boolean"; readonly name: string; readonly value: boolean }
  | { readonly do: "load"; readonly policy: number }
  | { readonly do: "enforce"; readonly enforcing: boolean }
  | { readonly do: "restore" };

const anyStep = (): fc.Arbitrary<Step> => {
  const pair = { source: anyType(), target: anyType() };
  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ do: fc.constant("check" as const), ...pair, request: anyRequest() }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("ioctl" as const),
        ...pair,
        command: fc.constantFrom(...COMMANDS),
      }),
    },
    fc.record({
      do: fc.constant("boolean" as const),
      name: fc.constantFrom(...BOOLEANS),
      value: fc.boolean(),
    }),
    fc.record({ do: fc.constant("load" as const), policy: fc.nat(1) }),
    fc.record({ do: fc.constant("enforce" as const), enforcing: fc.boolean() }),
    fc.record({ do: fc.constant("restore" as const) }),
  );
};

const story = {
  policies: fc.tuple(anySmallPolicy(), anySmallPolicy()),
  steps: fc.array(anyStep(), { minLength: 1, maxLength: 40 }),
  /** Entries that the cache holds. */
  threshold: fc.constantFrom(1, 2, 512),
  enforcing: fc.boolean(),
};

const SUBJECT = { pid: 1, comm: "test" };

law("cached-answers-are-fresh-answers", {
  says: "Whatever was asked before, and after any order of loads, changes of booleans, of enforcing, evictions and restores, a request is refused exactly when the rules that hold now do not allow it all, and the kernel enforces and the domain is not permissive.",
  cites:
    "Linux, security/selinux/avc.c, avc_has_perm_noaudit, avc_has_extended_perms; The SELinux Notebook, Access Vector Cache",
  forAll: story,
  runs: 300,
  holds: ({ policies, steps, threshold, enforcing }) => {
    const run = new Run(policies, threshold, enforcing);
    return steps.every((step) => run.answers(step));
  },
});

law("what-is-permissive-refuses-nothing", {
  says: "A permissive kernel refuses nothing, and an enforcing one nothing to a permissive domain.",
  cites: "Linux, security/selinux/avc.c, avc_denied; The SELinux Notebook, permissive",
  forAll: story,
  holds: ({ policies, steps, threshold, enforcing }) => {
    const run = new Run(policies, threshold, enforcing);
    return steps.every((step) => {
      const isLet =
        !run.enforcing || ("source" in step && run.now.permissive.includes(step.source));
      return run.take(step) === null || !isLet;
    });
  },
});

law("audit-rules-allow-and-deny-nothing", {
  says: "Without its auditallow and dontaudit rules a policy gives the same answers.",
  cites: "The SELinux Notebook, Access Vector Rules: auditallow, dontaudit",
  forAll: story,
  holds: ({ policies, steps, threshold, enforcing }) => {
    const run = new Run(policies, threshold, enforcing);
    const [first, second] = policies;
    const silent = new Run([withoutAudits(first), withoutAudits(second)], threshold, enforcing);
    return steps.every((step) => run.take(step) === silent.take(step));
  },
});

law("a-record-tells-what-rules-want-told", {
  says: "A denial is told, of each permission that no dontaudit rule speaks of, and a grant of each that an auditallow rule speaks of; what was let pass is told as such, and once.",
  cites:
    "Linux, security/selinux/include/avc.h, avc_audit_required; The SELinux Notebook, Audit Logs",
  forAll: { ...story, threshold: fc.constant(512) },
  runs: 200,
  holds: ({ policies, steps, threshold, enforcing }) => {
    const run = new Run(policies, threshold, enforcing);
    for (const step of steps) {
      run.records.length = 0;
      const wanted = step.do === "check" ? run.recordOf(step) : null;
      run.take(step);
      if (step.do !== "check") continue;
      if (run.records.join("|") !== (wanted ?? ""))
        throw new Error(`told ${run.records.join("|")}, expected ${wanted}`);
    }
  },
});

const withoutAudits = (policy: SmallPolicy): SmallPolicy => ({
  ...policy,
  rules: policy.rules.filter(({ kind }) => kind === "allow"),
  commands: policy.commands.filter(({ kind }) => kind === "allowx"),
});

/** A kernel, and beside it what its policies say, rule by rule. */
class Run {
  readonly records: string[] = [];
  readonly #policies: readonly [SmallPolicy, SmallPolicy];
  #selinux: Selinux;
  readonly #make: (enforcing: boolean) => Selinux;
  now: SmallPolicy;
  enforcing: boolean;
  #booleans: Record<string, boolean>;
  /** Permissions of (source, target, class) that were let pass since the cache was emptied. */
  readonly #passed = new Set<string>();

  constructor(
    policies: readonly [SmallPolicy, SmallPolicy],
    threshold: number,
    enforcing: boolean,
  ) {
    const loaded = policies.map((one) => loadPolicy(compileCil(textOf(one), "small")));
    const audit = {
      record: (type: number, text: string): void => {
        if (type === 1400) this.records.push(text);
      },
    };
    this.#make = (isEnforcing) =>
      new Selinux({
        audit,
        policies: (name) => loaded[Number(name)] as LoadedPolicy,
        policy: "0",
        enforcing: isEnforcing,
      });
    this.#policies = policies;
    this.#selinux = this.#make(enforcing);
    this.#selinux.cacheThreshold = threshold;
    this.now = policies[0];
    this.enforcing = enforcing;
    this.#booleans = { ...policies[0].booleans };
  }

  /** Whether it is the answer that the rules give. */
  answers(step: Step): boolean {
    const answer = this.take(step);
    if (step.do !== "check" && step.do !== "ioctl") return true;
    const isLet = !this.enforcing || this.now.permissive.includes(step.source);
    return (answer === null) === (isLet || this.#isAllowed(step));
  }

  take(step: Step): string | null {
    const selinux = this.#selinux;
    switch (step.do) {
      case "check": {
        const { tclass, permissions } = step.request;
        const [source, target] = this.#sids(step);
        const isLet = !this.enforcing || this.now.permissive.includes(step.source);
        if (isLet) for (const one of permissions) this.#passed.add(this.#keyOf(step, one));
        return selinux.check(source, target, tclass, permissions, SUBJECT, []);
      }
      case "ioctl": {
        const [source, target] = this.#sids(step);
        const isLet = !this.enforcing || this.now.permissive.includes(step.source);
        if (isLet) this.#passed.add(`${step.source} ${step.target} file ioctl`);
        return selinux.checkIoctl(source, target, "file", step.command, SUBJECT, []);
      }
      case "boolean":
        selinux.setBooleans(new Map([[step.name, step.value]]));
        this.#booleans[step.name] = step.value;
        this.#passed.clear();
        return null;
      case "load":
        selinux.loadPolicy(String(step.policy));
        this.now = this.#policies[step.policy] as SmallPolicy;
        this.#passed.clear();
        return null;
      case "enforce":
        selinux.setEnforcing(step.enforcing);
        if (step.enforcing && !this.enforcing) this.#passed.clear();
        this.enforcing = step.enforcing;
        return null;
      case "restore": {
        const saved = selinux.save();
        this.#selinux = this.#make(!this.enforcing);
        this.#selinux.load(saved);
        return null;
      }
    }
  }

  /** Null when nothing is to be told. */
  recordOf(step: Step & { readonly do: "check" }): string | null {
    const { source, target, request } = step;
    const speaks = (kind: string, one: string): boolean =>
      this.#speaks(kind, source, target, request.tclass, one);
    const isLet = !this.enforcing || this.now.permissive.includes(source);
    const isGranted = (one: string): boolean =>
      speaks("allow", one) || this.#passed.has(this.#keyOf(step, one));
    const denied = request.permissions.filter((one) => !isGranted(one));
    const told =
      denied.length > 0
        ? denied.filter((one) => !speaks("dontaudit", one))
        : request.permissions.filter((one) => speaks("auditallow", one));
    if (told.length === 0) return null;
    const what = denied.length > 0 ? "denied" : "granted";
    const end = denied.length > 0 ? ` permissive=${isLet ? 1 : 0}` : "";
    return `avc:  ${what}  { ${told.join(" ")} } for  pid=1 comm="test" scontext=${contextOf(source)} tcontext=${contextOf(target)} tclass=${request.tclass}${end}`;
  }

  #keyOf({ source, target, request }: Step & { readonly do: "check" }, permission: string): string {
    return `${source} ${target} ${request.tclass} ${permission}`;
  }

  #sids({
    source,
    target,
  }: {
    readonly source: string;
    readonly target: string;
  }): readonly [number, number] {
    const sidOf = (type: string): number => this.#selinux.sidOf(contextOf(type)) as number;
    return [sidOf(source), sidOf(target)];
  }

  #isAllowed(step: Step & { readonly do: "check" | "ioctl" }): boolean {
    const { source, target } = step;
    if (step.do === "check")
      return step.request.permissions.every((one) =>
        this.#speaks("allow", source, target, step.request.tclass, one),
      );
    const listed = this.now.commands.filter(
      (rule) => rule.kind === "allowx" && rule.source === source && rule.target === target,
    );
    const isListed =
      listed.length === 0 || listed.some(({ commands }) => commands.includes(step.command));
    return isListed && this.#speaks("allow", source, target, "file", "ioctl");
  }

  #speaks(
    kind: string,
    source: string,
    target: string,
    tclass: string,
    permission: string,
  ): boolean {
    return this.now.rules.some(
      (rule) =>
        rule.kind === kind &&
        rule.source === source &&
        rule.target === target &&
        rule.tclass === tclass &&
        rule.permissions.includes(permission) &&
        (rule.when === null || this.#booleans[rule.when.boolean] === rule.when.value),
    );
  }
}
