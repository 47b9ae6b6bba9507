import { expect, test } from "vitest";
import { acpiPmTimer } from "./acpi-pm-timer.ts";
import { powerOn, Socket } from "./socket.ts";

test("3579545 ticks a second, 24 bits, without drift", () => {
  const timer = new Socket(acpiPmTimer, { value: powerOn(acpiPmTimer) });
  expect(timer.read(0, 4, 279)).toBe(0);
  expect(timer.read(0, 4, 280)).toBe(1);
  expect(timer.read(0, 4, 1_000_000_000)).toBe(3_579_545);
  const day = 86_400;
  expect(timer.read(0, 4, day * 1_000_000_000)).toBe((day * 3_579_545) % 0x100_0000);
  expect(timer.read(1, 1, day * 1_000_000_000)).toBe(((day * 3_579_545) >>> 8) & 0xff);
});
