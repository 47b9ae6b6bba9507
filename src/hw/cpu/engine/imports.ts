/** What emitted code calls in the host, and the types of a module of handlers. */

import { I32, I64 } from "./wasm.ts";

/** Names of imported functions; a function's index is its place here. */
export const IMPORTS = [
  "slowRead",
  "slowWrite",
  "quotient",
  "remainder",
  "slowVectorRead",
  "slowVectorWrite",
  "slowFloat",
] as const;
export type Import = (typeof IMPORTS)[number];
export const importIndex = (name: Import): number => IMPORTS.indexOf(name);

/** A handler; an access; a function of three values; softfloat. */
export const TYPES = [
  { parameters: [I32, I32], results: [I32] },
  { parameters: [I32, I32, I32, I32, I32], results: [I32] },
  { parameters: [I64, I64, I64], results: [I64] },
  { parameters: [I32, I32, I32, I32], results: [I32] },
] as const;
/** The type of each import. */
export const IMPORT_TYPES = [1, 1, 2, 2, 1, 1, 3] as const;
