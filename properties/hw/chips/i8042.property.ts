/** Laws of the keyboard controller. */

import fc from "fast-check";
import { i8042 } from "../../../src/hw/chips/i8042.ts";
import { powerOn, Socket } from "../../../src/hw/chips/socket.ts";
import { firstDifference } from "../../../src/sim/data.ts";
import { law } from "../../support/law.ts";

law("each-key-is-an-interrupt", {
  says: "Of at most 16 codes from the keyboard every one arrives once, in order, with an edge of IRQ 1 of its own, however late the handler reads it.",
  cites:
    "IBM Personal System/2 Hardware Interface Technical Reference, Keyboard and Auxiliary Device Controller",
  forAll: {
    codes: fc.array(fc.nat(255), { maxLength: 16, size: "max" }),
    pauses: fc.array(fc.nat(5_000_000), { minLength: 17, maxLength: 17 }),
    late: fc.nat(3_000_000),
  },
  holds: ({ codes, pauses, late }) => {
    let edges = 0;
    const keyboard = new Socket(
      i8042,
      { value: powerOn(i8042) },
      {
        wire: (name, isAsserted) => {
          if (name === "irq1" && isAsserted) edges += 1;
        },
      },
    );
    keyboard.write(4, 1, 0x60, 0);
    keyboard.write(0, 1, 0x01, 0);
    let now = 0;
    for (const [i, code] of codes.entries()) {
      now += pauses[i] ?? 0;
      keyboard.input("key", code, now);
    }
    const seen: number[] = [];
    for (const _ of codes) {
      now += 2_000_000 + late;
      keyboard.settle(now);
      if (edges !== seen.length + 1) throw new Error(`${edges} edges after ${seen.length} bytes`);
      seen.push(keyboard.read(0, 1, now));
    }
    return firstDifference(seen, codes) === null && (keyboard.read(4, 1, now) & 1) === 0;
  },
});
