/** kill(2) of one process. Linux, kernel/signal.c, check_kill_permission. SIGKILL ends it; others are kept, and delivered by nobody. */

import { systemCall } from "./system-call.ts";

/** include/uapi/asm-generic/signal.h. */
export const SIG = { KILL: 9, TERM: 15, CHLD: 17, STOP: 19 } as const;
const NSIG = 64;

export const kill = systemCall(
  "kill",
  ["taskKill"],
  (kernel, by, { pid, signal }: { readonly pid: number; readonly signal: number }) => {
    const target = kernel.process(pid);
    if (target === null) return "ESRCH";
    if (!Number.isInteger(signal) || signal < 0 || signal > NSIG) return "EINVAL";
    const refused = kernel.security.taskKill(by, target, signal);
    if (refused !== null) return refused;
    if (signal === SIG.KILL) kernel.end(target);
    else if (signal !== 0 && !target.signals.includes(signal))
      target.signals = [...target.signals, signal];
    return 0;
  },
);
