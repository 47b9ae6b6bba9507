/** Labels of ports, interfaces, nodes and InfiniBand. CIL Reference Guide, "Network Labeling Statements" and "InfiniBand Statements". */

import { addressOf, ipv6 } from "./addresses.ts";
import type { Compilation } from "./compilation.ts";
import { contextOf } from "./contexts.ts";
import { type Form, isAtom, type List, show } from "./forms.ts";
import { atomOf, numberOf, type Statements, wordOf } from "./statement.ts";

/** RFC 1700, "Protocol Numbers", and its successors. */
const PROTOCOLS = { tcp: 6, udp: 17, dccp: 33, sctp: 132 } as const;

const PORT_MAX = 0xffff;
const DEVICE_PORT_MAX = 0xff;
/** Bytes of a subnet prefix. */
const PREFIX = 8;

export const NETWORK_STATEMENTS: Statements = {
  portcon: {
    phase: "rule",
    form: "(portcon tcp|udp|dccp|sctp port context)",
    operands: [3, 3],
    compile: (c, [name, ports, form], statement) => {
      const protocol = PROTOCOLS[wordOf(c, name as Form, ["tcp", "udp", "dccp", "sctp"])];
      const { low, high } = numbersOf(c, ports as Form, statement);
      const context = contextOf(c, form as Form);
      if (c.isNewLabel(`portcon ${protocol} ${low} ${high}`, [context], statement)) {
        c.objects.ports.push({ protocol, low, high, context });
      }
    },
  },
  netifcon: {
    phase: "rule",
    form: "(netifcon interface context packet_context)",
    operands: [3, 3],
    compile: (c, [device, form, packet], statement) => {
      const name = atomOf(c, device, statement).text;
      const context = contextOf(c, form as Form);
      const packetContext = contextOf(c, packet as Form);
      if (c.isNewLabel(`netifcon ${name}`, [context, packetContext], statement)) {
        c.objects.interfaces.push({ name, context, packetContext });
      }
    },
  },
  nodecon: {
    phase: "rule",
    form: "(nodecon address mask context)",
    operands: [3, 3],
    compile: (c, [first, second, form], statement) => {
      const address = addressOf(c, first as Form);
      const mask = addressOf(c, second as Form);
      if (address.length !== mask.length) {
        c.fail(statement, "expected an address and a mask of one kind");
      }
      const context = contextOf(c, form as Form);
      if (c.isNewLabel(`nodecon ${address.join()} ${mask.join()}`, [context], statement)) {
        c.objects.nodes.push({ address, mask, context });
      }
    },
  },
  ibpkeycon: {
    phase: "rule",
    form: "(ibpkeycon subnet_prefix key context)",
    operands: [3, 3],
    compile: (c, [prefix, keys, form], statement) => {
      const atom = atomOf(c, prefix, statement);
      const bytes = ipv6(atom.text);
      if (bytes === null)
        return c.fail(atom, `expected the prefix of a subnet, found ${show(atom)}`);
      const subnetPrefix = bytes.slice(0, PREFIX);
      const range = numbersOf(c, keys as Form, statement);
      const context = contextOf(c, form as Form);
      const what = `ibpkeycon ${subnetPrefix.join()} ${range.low} ${range.high}`;
      if (c.isNewLabel(what, [context], statement)) {
        c.objects.infinibandKeys.push({ subnetPrefix, ...range, context });
      }
    },
  },
  ibendportcon: {
    phase: "rule",
    form: "(ibendportcon device port context)",
    operands: [3, 3],
    compile: (c, [device, number, form], statement) => {
      const port = numberOf(c, number, statement, DEVICE_PORT_MAX);
      const name = atomOf(c, device, statement).text;
      const context = contextOf(c, form as Form);
      if (c.isNewLabel(`ibendportcon ${name} ${port}`, [context], statement)) {
        c.objects.infinibandPorts.push({ device: name, port, context });
      }
    },
  },
};

/** A number, or `(low high)`. */
function numbersOf(c: Compilation, form: Form, place: List): { low: number; high: number } {
  const [first, last] = isAtom(form) ? [form, form] : form.items;
  const low = numberOf(c, first, place, PORT_MAX);
  const high = numberOf(c, last, place, PORT_MAX);
  if (low > high) c.fail(form, "expected the lower number first");
  return { low, high };
}

const compare = (a: number, b: number): number => a - b;

function compareBytes(a: readonly number[], b: readonly number[]): number {
  for (const [i, byte] of a.entries()) if (byte !== b[i]) return compare(byte, b[i] ?? 0);
  return 0;
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The kernel takes the first that fits: narrower ranges of ports and longer masks come first. */
export function sortObjects({ objects }: Compilation): void {
  const byWidth = (
    a: { readonly low: number; readonly high: number },
    b: { readonly low: number; readonly high: number },
  ): number => compare(a.high - a.low, b.high - b.low) || compare(a.low, b.low);
  objects.ports.sort((a, b) => byWidth(a, b) || compare(a.protocol, b.protocol));
  objects.infinibandKeys.sort(
    (a, b) => compareBytes(a.subnetPrefix, b.subnetPrefix) || byWidth(a, b),
  );
  objects.infinibandPorts.sort(
    (a, b) => compareText(a.device, b.device) || compare(a.port, b.port),
  );
  objects.interfaces.sort((a, b) => compareText(a.name, b.name));
  objects.fsUses.sort((a, b) => compare(a.behavior, b.behavior) || compareText(a.name, b.name));
  objects.nodes.sort(
    (a, b) =>
      compare(a.address.length, b.address.length) ||
      compareBytes(b.mask, a.mask) ||
      compareBytes(a.address, b.address),
  );
}
