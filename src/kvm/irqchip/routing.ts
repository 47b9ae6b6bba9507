/** Where interrupt lines lead: Linux, Documentation/virt/kvm/api.rst, "KVM_SET_GSI_ROUTING". */

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
