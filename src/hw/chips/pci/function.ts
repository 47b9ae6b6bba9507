/**
 * A PCI function: a chip whose offsets begin with its configuration space, and which has a place for the registers
 * behind each of its BARs (`barPlace`). PCI Local Bus Specification, Revision 3.0, "Configuration Space". INTx# is
 * its wire `intx`.
 */

import type { Chip } from "../chip.ts";
import type { Bar, PciState } from "./configuration-space.ts";

export interface PciFunction<State extends PciState = PciState> extends Chip<State> {
  readonly bars: readonly Bar[];
}
