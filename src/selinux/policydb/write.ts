/** The kernel's binary policy, written. Linux, security/selinux/ss/policydb.c; libsepol, write.c. */

import { InputError } from "../../sim/assert.ts";
import { NEWEST_VERSION, OLDEST_VERSION, type Policy, VERSION } from "./policy.ts";
import { ByteWriter, lengthOf } from "./write/bytes.ts";
import { writeGenfs, writeObjects } from "./write/objects.ts";
import {
  writeConditionals,
  writeFilenameTransitions,
  writeRangeTransitions,
  writeRoleRules,
  writeRules,
} from "./write/rules.ts";
import { writeEbitmap } from "./write/sets.ts";
import { writeSymbols } from "./write/symbols.ts";

const MAGIC = 0xf97cff8c;
const SIGNATURE = "SE Linux";
const SYMBOL_TABLES = 8;
const OBJECT_TABLES = 7;
/** With InfiniBand's. */
const OBJECT_TABLES_NEW = 9;

/** Bits of the configuration word. */
const MLS = 1;
const UNKNOWN = { deny: 0, reject: 2, allow: 4 } as const;

/** In the version that the policy names; refuses what that version cannot say. */
export function writePolicy(policy: Policy): Uint8Array {
  checkSayable(policy);
  const out = new ByteWriter();
  out.u32(MAGIC, lengthOf(SIGNATURE));
  out.text(SIGNATURE);
  out.u32(policy.version, (policy.mls ? MLS : 0) | UNKNOWN[policy.handleUnknown], SYMBOL_TABLES);
  out.u32(policy.version >= VERSION.infiniband ? OBJECT_TABLES_NEW : OBJECT_TABLES);
  writeEbitmap(out, policy.capabilities);
  writeEbitmap(out, policy.permissiveTypes);
  writeSymbols(out, policy);
  writeRules(out, policy.rules);
  writeConditionals(out, policy.conditionals);
  writeRoleRules(out, policy);
  writeFilenameTransitions(out, policy);
  writeObjects(out, policy);
  writeGenfs(out, policy);
  writeRangeTransitions(out, policy);
  for (const attributes of policy.attributesOf) writeEbitmap(out, attributes);
  return out.done();
}

/** What no reader takes, and what an older version would leave out without a word though it changes decisions. */
function checkSayable({ version, classes, rules, objects }: Policy): void {
  if (version < OLDEST_VERSION || version > NEWEST_VERSION) {
    throw new InputError(
      `expected a version of the binary format from ${OLDEST_VERSION} to ${NEWEST_VERSION}, found ${version}`,
    );
  }
  if (rules.data.length === 0) {
    throw new InputError("expected at least one rule: the kernel takes no policy without");
  }
  const needs = (what: string, least: number, found: boolean): void => {
    if (found && version < least) {
      throw new InputError(
        `${what}: expected version ${least} of the binary format, found ${version}`,
      );
    }
  };
  const { newObjectDefaults, defaultType, extendedPermissions, infiniband, glblub } = VERSION;
  for (const { name, defaultUser, defaultRole, defaultRange, ...rest } of classes) {
    const isDefault = [defaultUser, defaultRole, defaultRange].every((from) => from === "none");
    needs(`class "${name}" has a default of user, role or range`, newObjectDefaults, !isDefault);
    needs(`class "${name}" has a default of type`, defaultType, rest.defaultType !== "none");
    needs(`class "${name}" has the default range glblub`, glblub, defaultRange === "glblub");
  }
  needs("rules about commands of ioctl", extendedPermissions, rules.extended.length > 0);
  const { infinibandKeys, infinibandPorts } = objects;
  needs("labels of InfiniBand", infiniband, infinibandKeys.length + infinibandPorts.length > 0);
}
