/** Contexts as text, `user:role:type:range`, and which of them are valid. Linux, security/selinux/ss/services.c, string_to_context_struct; mls.c. */

import type { Context, MlsLevel, MlsRange } from "../policydb/policy.ts";
import type { LoadedPolicy } from "./loaded-policy.ts";

/** Null when it is no context of the policy, or not valid: an unknown name, an attribute, a role that the user does not have, a range outside the user's. Aliases are taken. */
export declare function parseContext(loaded: LoadedPolicy, text: string): Context | null;

/** As the kernel prints it: `s0` for s0-s0; `c0.c2` for three and more neighbours, `c0,c1` for two. */
export declare function formatContext(loaded: LoadedPolicy, context: Context): string;

export declare function isValidContext(loaded: LoadedPolicy, context: Context): boolean;

export declare function parseRange(loaded: LoadedPolicy, text: string): MlsRange | null;
export declare function formatRange(loaded: LoadedPolicy, range: MlsRange): string;

export declare function isEqualContext(a: Context, b: Context): boolean;

/** Whether `a` has no lower sensitivity and all categories of `b`. */
export declare function dominates(a: MlsLevel, b: MlsLevel): boolean;
