/** Where things lie on the PC: Intel 440FX PCIset data sheet, "Address Map"; IBM PC AT Technical Reference, "I/O Address Map". */

/** Places that the tables of ACPI tell. */
export const PLACES = {
  ioapic: 0xfec0_0000,
  lapic: 0xfee0_0000,
  ecam: 0xe000_0000,
  pm1: 0x600,
  pmTimer: 0x608,
  sci: 9,
  reset: 0xcf9,
  /** What PIRQA# to PIRQD# lead to on the i8259s; on the I/O APIC they are the pins from 16 on. */
  pirqs: [10, 10, 11, 11],
  firstPirqPin: 16,
} as const;

/** Virtio devices in memory: their registers one after the other, each with a pin of the I/O APIC of its own. */
const VIRTIO_MMIO = { at: 0xfeb0_0000, size: 0x200, firstPin: 16, pins: 8 } as const;

export const virtioMmioPlace = (
  number: number,
): { readonly address: number; readonly size: number; readonly gsi: number } => ({
  address: VIRTIO_MMIO.at + VIRTIO_MMIO.size * number,
  size: VIRTIO_MMIO.size,
  gsi: VIRTIO_MMIO.firstPin + (number % VIRTIO_MMIO.pins),
});
