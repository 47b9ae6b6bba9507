/** An SELinux policy at hand: what is in it, what it decides and why. */

import { type BooleanState, booleanState } from "../selinux/decisions/booleans.ts";
import { type LoadedPolicy, loadPolicy } from "../selinux/decisions/loaded-policy.ts";
import { type Count, countsOf } from "../selinux/policydb/counts.ts";
import type { Policy } from "../selinux/policydb/policy.ts";
import { parsePolicy } from "./policy-file.ts";
import { writePolicy } from "../selinux/policydb/write.ts";
import { classMapping, undefinedIn } from "../selinux/server/class-mapping.ts";
import { type Answer, answer, parseQuery } from "../selinux/why/queries.ts";
import { why } from "../selinux/why/why.ts";

export class SecurityPolicy {
  readonly #loaded: LoadedPolicy;
  readonly #booleans: BooleanState;

  private constructor(policy: Policy) {
    this.#loaded = loadPolicy(policy);
    this.#booleans = booleanState(this.#loaded);
  }

  /** The kernel's binary format, versions 26 to 33, or the text of flat CIL. Throws InputError: one line, which begins with the name. */
  static open(bytes: Uint8Array, name: string): SecurityPolicy {
    return new SecurityPolicy(parsePolicy(bytes, name));
  }

  get version(): number {
    return this.#loaded.policy.version;
  }

  get isMls(): boolean {
    return this.#loaded.policy.mls;
  }

  /** Of classes and permissions that the policy does not define: denied, allowed, or a reason not to load it. */
  get handleUnknown(): Policy["handleUnknown"] {
    return this.#loaded.policy.handleUnknown;
  }

  /** How much there is, as seinfo names it. */
  get counts(): readonly Count[] {
    return countsOf(this.#loaded.policy);
  }

  /** What the kernel asks about and the policy does not define, a line each. */
  get undefinedNames(): readonly string[] {
    return undefinedIn(classMapping(this.#loaded.policy, this.#loaded.names));
  }

  /** The kernel's binary format. */
  get binary(): Uint8Array {
    return writePolicy(this.#loaded.policy);
  }

  /** `line`: source context, target context, class, permissions; or an audit record. Null when it asks nothing. Throws InputError, which begins with `place`. */
  decide(line: string, place: string): Answer | null {
    const query = parseQuery(this.#loaded, line, place);
    return query === null ? null : answer(this.#loaded, this.#booleans, query);
  }

  /** Likewise; which rules and constraints decided, in lines for a person. */
  explain(line: string, place: string): readonly string[] | null {
    const query = parseQuery(this.#loaded, line, place);
    return query === null ? null : why(this.#loaded, this.#booleans, query);
  }
}
