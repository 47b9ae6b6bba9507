/** munmap(2) of a whole mapping, by its address: nobody is asked. */

import { removeMapping } from "../mm/mappings.ts";
import { systemCall } from "./system-call.ts";

export const munmap = systemCall(
  "munmap",
  [],
  (kernel, by, { address }: { readonly address: number }) => removeMapping(kernel, by, address),
);
