/** KVM_SET_GSI_ROUTING: KVM API, "KVM_SET_GSI_ROUTING". */

import { MOST_ROUTES, routesOf } from "../irqchip/routing.ts";
import { isErrno } from "../../linux/errno.ts";
import type { Vm } from "../vm.ts";
import { ioctl } from "./ioctl.ts";
import { kvm_irq_routing } from "./structures.ts";

export const KVM_SET_GSI_ROUTING = ioctl(
  "KVM_SET_GSI_ROUTING",
  "vm",
  ["_IOW", 0x6a, kvm_irq_routing],
  ({ irqchip }: Vm, entries) => {
    if (irqchip === null || entries.length > MOST_ROUTES) return "EINVAL";
    const routes = routesOf(entries);
    if (isErrno(routes)) return routes;
    irqchip.routes = routes;
    return 0;
  },
);
