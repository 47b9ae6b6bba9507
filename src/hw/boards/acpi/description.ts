/** What ACPI tables tell of a board: ACPI Specification, "ACPI Overview". Each table is a pure function of it. */

export interface IrqOverride {
  /** The ISA interrupt, and where it arrives. */
  readonly irq: number;
  readonly gsi: number;
  readonly polarity: "bus" | "high" | "low";
  readonly trigger: "bus" | "edge" | "level";
}

/** Pin 0 is INTA#. */
export interface PciRoute {
  readonly device: number;
  readonly pin: number;
  readonly gsi: number;
}

export interface AcpiRange {
  readonly address: number;
  readonly size: number;
}

export interface AcpiDescription {
  /** The APIC IDs of all CPUs, the bootstrap processor's first. */
  readonly apicIds: readonly number[];
  readonly lapicAddress: number;
  readonly ioapics: readonly {
    readonly id: number;
    readonly address: number;
    readonly gsiBase: number;
  }[];
  readonly overrides: readonly IrqOverride[];
  /** The two 8259s of a PC. */
  readonly hasPics: boolean;
  /** Ports of the PM1 event and control block and of the timer. Without timer or SCI, see `isReduced`. */
  readonly pm: {
    readonly event: number;
    readonly control: number;
    readonly timer: number;
    /** The interrupt; 9 on a PC. */
    readonly sci: number;
  };
  /** Hardware-reduced ACPI: of `pm` only the sleep registers are told of, which lie in the PM1 blocks. */
  readonly isReduced: boolean;
  /** A port and the value that resets the machine when it is written there. */
  readonly reset: { readonly port: number; readonly value: number } | null;
  readonly pci: {
    readonly lastBus: number;
    readonly ecam: number | null;
    /** Windows for BARs. */
    readonly memory: readonly AcpiRange[];
    readonly routes: readonly PciRoute[];
    /** While the guest uses the 8259s; as `routes` if not given. */
    readonly picRoutes?: readonly PciRoute[];
  } | null;
  /** COM ports. */
  readonly serial: readonly { readonly port: number; readonly irq: number }[];
  readonly hasRtc: boolean;
  readonly hasKeyboard: boolean;
  readonly virtioMmio: readonly (AcpiRange & { readonly gsi: number })[];
}
