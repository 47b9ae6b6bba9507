/** The binary policy, versions 26 to 33. */

import type { Policy } from "./policy.ts";

/** `name` is named in the one line of an InputError when the file is damaged. */
export declare function readPolicy(bytes: Uint8Array, name: string): Policy;
