/** ptrace(2), PTRACE_ATTACH. Linux, kernel/ptrace.c, ptrace_attach. What a tracer does then is not modelled. */

import { systemCall } from "./system-call.ts";

export const ptrace = systemCall(
  "ptrace",
  ["ptraceAccessCheck"],
  (kernel, by, { pid }: { readonly pid: number }) => {
    const child = kernel.process(pid);
    if (child === null) return "ESRCH";
    if (child === by) return "EPERM";
    const refused = kernel.security.ptraceAccessCheck(by, child);
    if (refused !== null) return refused;
    if (child.tracer !== null) return "EPERM";
    child.tracer = by.pid;
    return 0;
  },
);
