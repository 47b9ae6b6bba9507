/** What a policy says of itself: levels or not, unknown permissions, capabilities, defaults of new objects. CIL Reference Guide, "Policy Configuration Statements" and "Default Object Statements". */

import type { DefaultFrom, DefaultRange } from "../policydb/policy.ts";
import type { Compilation } from "./compilation.ts";
import type { ClassEntry } from "./entries.ts";
import { type Form, isAtom, isList, type List, show } from "./forms.ts";
import { atomOf, type Statement, type Statements, wordOf } from "./statement.ts";

/** By number: Linux, security/selinux/include/policycap_names.h. */
const CAPABILITIES: readonly string[] = [
  "network_peer_controls",
  "open_perms",
  "extended_socket_class",
  "always_check_network",
  "cgroup_seclabel",
  "nnp_nosuid_transition",
  "genfs_seclabel_symlinks",
  "ioctl_skip_cloexec",
];

export const CONFIGURATION_STATEMENTS: Statements = {
  mls: {
    phase: "declare",
    form: "(mls true|false)",
    operands: [1, 1],
    compile: (c, [state]) => {
      c.mls = wordOf(c, state as Form, ["true", "false"]) === "true";
    },
  },
  handleunknown: {
    phase: "declare",
    form: "(handleunknown allow|deny|reject)",
    operands: [1, 1],
    compile: (c, [action]) => {
      c.handleUnknown = wordOf(c, action as Form, ["allow", "deny", "reject"]);
    },
  },
  policycap: {
    phase: "declare",
    form: "(policycap name)",
    operands: [1, 1],
    compile: (c, [name]) =>
      void c.capabilities.add(CAPABILITIES.indexOf(wordOf(c, name as Form, CAPABILITIES))),
  },
  defaultuser: defaultStatement("defaultuser", "defaultUser"),
  defaultrole: defaultStatement("defaultrole", "defaultRole"),
  defaulttype: defaultStatement("defaulttype", "defaultType"),
  defaultrange: {
    phase: "relate",
    form: "(defaultrange class source|target low|high|low-high)",
    operands: [2, 3],
    compile: (c, [classes, from, part], statement) => {
      const value = defaultRange(c, from as Form, part);
      for (const tclass of classesOf(c, classes as Form, statement)) {
        if (!["none", value].includes(tclass.defaultRange)) failTwice(c, statement, tclass);
        tclass.defaultRange = value;
      }
    },
  },
};

function defaultStatement(
  keyword: string,
  field: "defaultUser" | "defaultRole" | "defaultType",
): Statement {
  return {
    phase: "relate",
    form: `(${keyword} class source|target)`,
    operands: [2, 2],
    compile: (c, [classes, from], statement) => {
      const value: DefaultFrom = wordOf(c, from as Form, ["source", "target"]);
      for (const tclass of classesOf(c, classes as Form, statement)) {
        if (!["none", value].includes(tclass[field])) failTwice(c, statement, tclass);
        tclass[field] = value;
      }
    },
  };
}

const failTwice = (c: Compilation, statement: List, { name }: ClassEntry): never =>
  c.fail(statement, `expected what was already said of class "${name}"`);

function defaultRange(c: Compilation, from: Form, part: Form | undefined): DefaultRange {
  if (part === undefined) return wordOf(c, from, ["glblub"]);
  const which = wordOf(c, from, ["source", "target"]);
  return `${which} ${wordOf(c, part, ["low", "high", "low-high"])}`;
}

/** One class, or a list of them. */
function classesOf(c: Compilation, form: Form, place: List): readonly ClassEntry[] {
  if (isAtom(form)) return [c.classes.find(form, place)];
  if (!isList(form) || form.items.length === 0)
    c.fail(form, `expected classes, found ${show(form)}`);
  return form.items.map((name) => c.classes.find(atomOf(c, name, place), place));
}
