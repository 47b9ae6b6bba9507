/**
 * The board's devices: ACPI Specification, "Differentiated System Description Table (DSDT)", "Device Configuration",
 * "Processor Configuration and Control"; PCI Firmware Specification, "MCFG Table Description" (the reservation).
 */

import { S5_TYPE } from "../../chips/acpi-pm1.ts";
import {
  type Aml,
  ARG0,
  device,
  eisaId,
  fixedMemory,
  giveBack,
  integer,
  ioPorts,
  isaIrq,
  levelGsi,
  list,
  method,
  name,
  path,
  range,
  resources,
  scope,
  store,
  text,
  when,
} from "./aml.ts";
import type { AcpiDescription, PciRoute } from "./description.ts";
import { table } from "./table.ts";

type Pci = NonNullable<AcpiDescription["pci"]>;

export function dsdt(board: AcpiDescription): Uint8Array {
  const isa = isaDevices(board);
  const { pci } = board;
  const terms: readonly Aml[] = [
    name("\\_S5", list(integer(S5_TYPE), integer(S5_TYPE), integer(0), integer(0))),
    // Whether the guest uses the APICs: it tells by calling _PIC.
    name("\\PICF", integer(0)),
    method("\\_PIC", 1, store(ARG0, path("\\PICF"))),
    scope("\\_SB", ...processors(board), ...virtioMmio(board), ...(pci === null ? isa : [])),
    ...(pci === null ? [] : [scope("\\_SB", hostBridge(pci, isa), ...reservation(pci))]),
  ];
  return table("DSDT", 2, (body) => body.u8(...terms.flat()));
}

const hex = (value: number, digits: number): string =>
  value.toString(16).toUpperCase().padStart(digits, "0");

const processors = ({ apicIds }: AcpiDescription): readonly Aml[] =>
  [...apicIds.keys()].map((uid) =>
    device(`C${hex(uid, 3)}`, name("_HID", text("ACPI0007")), name("_UID", integer(uid))),
  );

// PCI

const ECAM_BUS = 0x10_0000;
const CONFIG_PORTS = 0xcf8;

function hostBridge(pci: Pci, isa: readonly Aml[]): Aml {
  const id = name("_HID", eisaId(pci.ecam === null ? "PNP0A03" : "PNP0A08"));
  const compatible = pci.ecam === null ? [] : [name("_CID", eisaId("PNP0A03"))];
  const windows = pci.memory.map(({ address, size }) =>
    range("memory", address + size > 2 ** 32 ? 8 : 4, address, size),
  );
  const routes = name("PRTA", routing(pci.routes));
  const picRoutes = name("PRTP", routing(pci.picRoutes ?? pci.routes));
  return device(
    "PCI0",
    id,
    ...compatible,
    name("_UID", integer(0)),
    name("_BBN", integer(0)),
    name(
      "_CRS",
      resources(
        range("bus", 2, 0, pci.lastBus + 1),
        ioPorts(CONFIG_PORTS, 8),
        range("io", 2, 0, CONFIG_PORTS),
        range("io", 2, 0xd00, 0x1_0000 - 0xd00),
        ...windows,
      ),
    ),
    routes,
    picRoutes,
    method("_PRT", 0, when(path("\\PICF"), giveBack(path("PRTA"))), giveBack(path("PRTP"))),
    ...isa,
  );
}

/** All functions of a device; the interrupt is no other device's to give. */
const routing = (routes: readonly PciRoute[]): Aml =>
  list(
    ...routes.map((route) =>
      list(
        integer(route.device * 0x1_0000 + 0xffff),
        integer(route.pin),
        integer(0),
        integer(route.gsi),
      ),
    ),
  );

/** A guest believes in the memory-mapped configuration space only if a device claims its place. */
const reservation = ({ ecam, lastBus }: Pci): readonly Aml[] =>
  ecam === null
    ? []
    : [
        device(
          "MBRD",
          name("_HID", eisaId("PNP0C02")),
          name("_UID", integer(0)),
          name(
            "_CRS",
            resources(
              ecam + (lastBus + 1) * ECAM_BUS > 2 ** 32
                ? range("memory", 8, ecam, (lastBus + 1) * ECAM_BUS)
                : fixedMemory(ecam, (lastBus + 1) * ECAM_BUS),
            ),
          ),
        ),
      ];

// Devices in fixed places

const present = (): Aml => name("_STA", integer(0xf));

function isaDevices({ serial, hasRtc, hasKeyboard }: AcpiDescription): readonly Aml[] {
  const devices = serial.map(({ port, irq }, i) =>
    device(
      `COM${i + 1}`,
      name("_HID", eisaId("PNP0501")),
      name("_UID", integer(i + 1)),
      present(),
      name("_CRS", resources(ioPorts(port, 8), isaIrq(irq))),
    ),
  );
  if (hasRtc) {
    const crs = resources(ioPorts(0x70, 2), isaIrq(8));
    devices.push(device("RTC", name("_HID", eisaId("PNP0B00")), present(), name("_CRS", crs)));
  }
  if (hasKeyboard) {
    const crs = resources(ioPorts(0x60, 1), ioPorts(0x64, 1), isaIrq(1));
    devices.push(device("KBD", name("_HID", eisaId("PNP0303")), present(), name("_CRS", crs)));
  }
  return devices;
}

const virtioMmio = ({ virtioMmio: devices }: AcpiDescription): readonly Aml[] =>
  devices.map(({ address, size, gsi }, i) =>
    device(
      `VR${hex(i, 2)}`,
      name("_HID", text("LNRO0005")),
      name("_UID", integer(i)),
      name("_CCA", integer(1)),
      name("_CRS", resources(fixedMemory(address, size), levelGsi(gsi))),
    ),
  );
