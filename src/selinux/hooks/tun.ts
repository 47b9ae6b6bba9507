/** Interfaces of /dev/net/tun, which become those of who opens them. Linux, security/selinux/hooks.c, selinux_tun_dev_create, selinux_tun_dev_open. Queues beyond the first are not modelled. */

import type { SecurityModule } from "../../linux/security/security.ts";
import type { Checks } from "./checks.ts";
import { sidBlob, sidOf } from "./labels.ts";

type Hooks = Pick<
  SecurityModule,
  "tunDevCreate" | "tunDevAllocSecurity" | "tunDevOpen" | "tunDevAttach"
>;

const CLASS = "tun_socket";

export const tunHooks = (checks: Checks): Hooks => ({
  tunDevCreate: (by) => checks.self(by, CLASS, "create"),
  tunDevAllocSecurity(by, tun) {
    tun.security = sidBlob(sidOf(by));
    return null;
  },
  tunDevOpen(by, tun) {
    const refused =
      checks.ask(by, sidOf(tun), CLASS, ["relabelfrom"], []) ?? checks.self(by, CLASS, "relabelto");
    if (refused === null) tun.security = sidBlob(sidOf(by));
    return refused;
  },
  // The label of the queue's socket is that of the interface; nobody is asked.
  tunDevAttach: () => null,
});
