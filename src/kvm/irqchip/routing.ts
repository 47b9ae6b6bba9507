/** Where interrupt lines lead: Linux, Documentation/virt/kvm/api.rst, "KVM_SET_GSI_ROUTING". */

import type { Errno } from "../../linux/errno.ts";

export interface PinRoute {
  readonly gsi: number;
  readonly to: "pic1" | "pic2" | "ioapic";
  readonly pin: number;
}

export interface MsiRoute {
  readonly gsi: number;
  readonly to: "msi";
  readonly addressLow: number;
  readonly addressHigh: number;
  readonly data: number;
}

export type Route = PinRoute | MsiRoute;

/** KVM_MAX_IRQ_ROUTES, and the numbers of lines below it. */
export const MOST_ROUTES = 4096;

const PICS = 16;
const IOAPIC_PINS = 24;

/** A PC's: sixteen lines to the i8259s too, the timer's to pin 2 of the I/O APIC. */
export const DEFAULT_ROUTES: readonly Route[] = Array.from(
  { length: IOAPIC_PINS },
  (_, gsi) => gsi,
).flatMap((gsi): Route[] => [
  ...(gsi < PICS && gsi !== 2
    ? [{ gsi, to: gsi < 8 ? ("pic1" as const) : ("pic2" as const), pin: gsi % 8 }]
    : []),
  ...(gsi === 2 ? [] : [{ gsi, to: "ioapic" as const, pin: gsi === 0 ? 2 : gsi }]),
]);

/** KVM_IRQ_ROUTING_*. */
const [OF_PIN, OF_MSI] = [1, 2] as const;
const CHIPS = ["pic1", "pic2", "ioapic"] as const;

/** As KVM_SET_GSI_ROUTING takes them. */
export function routesOf(
  entries: readonly {
    readonly gsi: number;
    readonly type: number;
    readonly flags: number;
    readonly u: readonly number[];
  }[],
): readonly Route[] | Errno {
  const routes: Route[] = [];
  for (const { gsi, type, flags, u } of entries) {
    const [first = 0, second = 0, third = 0] = u;
    const to = CHIPS[first];
    if (gsi >= MOST_ROUTES || flags !== 0) return "EINVAL";
    if (type === OF_MSI) {
      routes.push({ gsi, to: "msi", addressLow: first, addressHigh: second, data: third });
    } else {
      if (type !== OF_PIN || to === undefined) return "EINVAL";
      if (second >= (to === "ioapic" ? IOAPIC_PINS : PICS / 2)) return "EINVAL";
      // A line leads to one pin of a chip.
      if (routes.some((route) => route.gsi === gsi && route.to === to)) return "EINVAL";
      routes.push({ gsi, to, pin: second });
    }
  }
  return routes;
}
