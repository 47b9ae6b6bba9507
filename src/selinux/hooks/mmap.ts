/** Mappings: a file asks for map, and then for what is to be done with it; code that can be changed asks more. Linux, security/selinux/hooks.c, selinux_mmap_file, file_map_prot_check, selinux_file_mprotect. Heaps and stacks are anonymous memory here. */

import { PROT } from "../../linux/mm/mapping.ts";
import type { Process } from "../../linux/process.ts";
import type { Opened, Refusal, SecurityModule } from "../../linux/security/security.ts";
import type { Checks } from "./checks.ts";
import { pathData } from "./labels.ts";

type Hooks = Pick<SecurityModule, "mmapFile" | "fileMprotect">;

export const mmapHooks = (checks: Checks): Hooks => ({
  mmapFile(by, opened, prot, isShared) {
    const refused =
      opened === null
        ? null
        : checks.inode(by, opened.inode, ["map"], pathData(opened.file.path, opened.inode));
    return refused ?? checkProtection(checks, by, opened, prot, isShared);
  },

  fileMprotect(by, opened, mapping, prot) {
    const becomesCode = (prot & PROT.EXEC) !== 0 && (mapping.prot & PROT.EXEC) === 0;
    // Its pages are no more those of the file.
    const isModified = opened !== null && mapping.copy !== null;
    const refused = becomesCode && isModified ? checks.file(by, opened, ["execmod"]) : null;
    return refused ?? checkProtection(checks, by, opened, prot, mapping.isShared);
  },
});

function checkProtection(
  checks: Checks,
  by: Process,
  opened: Opened | null,
  prot: number,
  isShared: boolean,
): Refusal {
  const [isWritten, isExecuted] = [(prot & PROT.WRITE) !== 0, (prot & PROT.EXEC) !== 0];
  const isOwn = opened === null || opened.inode.isPrivate || (!isShared && isWritten);
  if (isExecuted && isOwn) {
    const refused = checks.self(by, "process", "execmem");
    if (refused !== null) return refused;
  }
  if (opened === null) return null;
  const permissions = ["read"];
  if (isShared && isWritten) permissions.push("write");
  if (isExecuted) permissions.push("execute");
  return checks.file(by, opened, permissions);
}
