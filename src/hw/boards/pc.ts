/** The PC/AT with its interrupt controllers, timers and serial port. IBM PC AT Technical Reference, "I/O Address Map". */

import { acpiPmTimer } from "../chips/acpi-pm-timer.ts";
import { i8254 } from "../chips/i8254.ts";
import { i8259 } from "../chips/i8259.ts";
import { ns16550a } from "../chips/ns16550a.ts";
import { type Board, part, wire } from "./board.ts";

export const pc = (): Board => ({
  name: "pc",
  parts: {
    pic1: part(i8259, { sp: 1 }),
    pic2: part(i8259, { sp: 0 }),
    pit: part(i8254),
    com1: part(ns16550a),
    pmtimer: part(acpiPmTimer),
  },
  ports: [
    { at: 0x20, size: 2, part: "pic1" },
    { at: 0x40, size: 4, part: "pit" },
    { at: 0xa0, size: 2, part: "pic2" },
    { at: 0x3f8, size: 8, part: "com1" },
    { at: 0x4d0, size: 1, part: "pic1", offset: 2 },
    { at: 0x4d1, size: 1, part: "pic2", offset: 2 },
    { at: 0x608, size: 4, part: "pmtimer" },
  ],
  memory: [],
  nets: [
    wire("pit.out0", "pic1.ir0"),
    wire("pic2.int", "pic1.ir2"),
    wire("com1.intr", "pic1.ir4"),
    wire("pic1.int", "cpu0.intr"),
  ],
});
