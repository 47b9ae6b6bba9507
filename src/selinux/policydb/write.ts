/** The kernel's binary policy, written. Linux, security/selinux/ss/policydb.c; libsepol, write.c. */

import { InputError } from "../../sim/assert.ts";
import type { Policy } from "./policy.ts";

/** In the version that the policy names; refuses what that version cannot say. */
export function writePolicy(policy: Policy): Uint8Array {
  throw new InputError(`version ${policy.version} of the binary format is not written`);
}
