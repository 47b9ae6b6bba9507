/** mprotect(2) of a whole mapping, by its address. Linux, mm/mprotect.c, do_mprotect_pkey. */

import { isWritable } from "../fs/file.ts";
import { mappingAt } from "../mm/mappings.ts";
import { PROT } from "../mm/mapping.ts";
import { systemCall } from "./system-call.ts";

export const mprotect = systemCall(
  "mprotect",
  ["fileMprotect"],
  (kernel, by, { address, prot }: { readonly address: number; readonly prot: number }) => {
    const mapping = mappingAt(by, address);
    if (mapping === null || mapping.start !== address) return "ENOMEM";
    const opened = mapping.file === null ? null : kernel.openedOf(mapping.file);
    const isWritten = mapping.isShared && (prot & PROT.WRITE) !== 0;
    if (isWritten && opened !== null && !isWritable(opened.file)) return "EACCES";
    const refused = kernel.security.fileMprotect(by, opened, mapping, prot);
    if (refused !== null) return refused;
    mapping.prot = prot;
    return 0;
  },
);
