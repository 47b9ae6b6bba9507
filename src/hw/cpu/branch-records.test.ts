import { expect, test } from "vitest";
import { BareSystem, CODE, handlerOf } from "../../guests/bare-system.ts";
import { AMD } from "./cpuid/profile.ts";
import { Decoder } from "./decode.ts";
import { INSTRUCTIONS } from "./isa/index.ts";
import { readSlot, writeSlot } from "./msr/slots.ts";

const decoder = new Decoder(INSTRUCTIONS);

/** The last branch and the last interrupt of so many instructions with DebugCtl.LBR set. */
function recorded(code: readonly number[], steps: number, control = 1n): readonly bigint[] {
  const system = new BareSystem(Uint8Array.from(code), {
    engine: "interpreter",
    decoder,
    profile: AMD,
    cpl: 0,
  });
  writeSlot(system.state, "IA32_DEBUGCTL", control);
  for (let i = 0; i < steps; i += 1) system.step();
  return (["LASTBRANCHFROMIP", "LASTBRANCHTOIP", "LASTINTFROMIP", "LASTINTTOIP"] as const).map(
    (name) => readSlot(system.state, name),
  );
}

const at = (offset: number): bigint => BigInt(CODE + offset);
/** nop; jmp over a nop; nop; ud2. */
const JUMPS = [0x90, 0xeb, 0x01, 0x90, 0x90, 0x0f, 0x0b];

test("the last jump is recorded, and not what follows it", () => {
  expect(recorded(JUMPS, 3)).toEqual([at(1), at(4), 0n, 0n]);
});

test("an exception moves the last branch to the last interrupt", () => {
  expect(recorded(JUMPS, 4)).toEqual([at(5), BigInt(handlerOf(6)), at(1), at(4)]);
});

test("without LBR nothing is recorded", () => {
  expect(recorded(JUMPS, 4, 0n)).toEqual([0n, 0n, 0n, 0n]);
});
