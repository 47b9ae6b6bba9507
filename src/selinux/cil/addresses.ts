/** Addresses of the network in text. RFC 4291, "Text Representation of Addresses". */

import type { Compilation } from "./compilation.ts";
import { type Form, isAtom, show } from "./forms.ts";
import { atomOf, type Statements } from "./statement.ts";

export const ADDRESS_STATEMENTS: Statements = {
  ipaddr: {
    phase: "declare",
    form: "(ipaddr name address)",
    operands: [2, 2],
    compile: (c, [name, address], statement) =>
      c.addresses.declare(atomOf(c, name, statement), parsed(c, address as Form)),
  },
};

/** Bytes in network order: 4 or 16. The name of an ipaddr, an address, or one in parentheses. */
export function addressOf(c: Compilation, form: Form): readonly number[] {
  const named = isAtom(form) ? c.addresses.get(form.text) : undefined;
  return (
    named ?? parsed(c, !isAtom(form) && form.items.length === 1 ? (form.items[0] as Form) : form)
  );
}

function parsed(c: Compilation, form: Form): readonly number[] {
  const bytes = isAtom(form) ? (ipv4(form.text) ?? ipv6(form.text)) : null;
  if (bytes === null) c.fail(form, `expected an address of IPv4 or IPv6, found ${show(form)}`);
  return bytes;
}

function ipv4(text: string): readonly number[] | null {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part))) return null;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 0xff) ? bytes : null;
}

export function ipv6(text: string): readonly number[] | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const [head, tail] = halves.map(groups);
  if (head === undefined || head === null || tail === null) return null;
  if (tail === undefined) return head.length === 16 ? head : null;
  const zeros = 16 - head.length - tail.length;
  return zeros < 2 ? null : [...head, ...Array.from({ length: zeros }, () => 0), ...tail];
}

/** Groups of 16 bits between colons; the last may be an address of IPv4. */
function groups(text: string): readonly number[] | null {
  if (text === "") return [];
  const bytes: number[] = [];
  for (const [i, group] of text.split(":").entries()) {
    const last = i === text.split(":").length - 1 ? ipv4(group) : null;
    if (last !== null) bytes.push(...last);
    else if (/^[\da-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >>> 8, value & 0xff);
    } else return null;
  }
  return bytes.length <= 16 ? bytes : null;
}
