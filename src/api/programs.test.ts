import { expect, test } from "vitest";
import { InputError } from "../sim/assert.ts";
import { PROGRAM_START, ProgramMachine, SYSTEM_KERNELS, SystemProgram } from "./programs.ts";

test("a program that does not fit is refused", () => {
  const machine = new ProgramMachine(1 << 16);
  expect(() => machine.load(new Uint8Array((1 << 16) + 1), PROGRAM_START)).toThrow(InputError);
});

test("a kernel without the label start begins at its first line", () => {
  const machine = new ProgramMachine(1 << 18);
  const source = "mov rax, 7\nud2";
  machine.loadKernel({ name: "seven", about: "", work: 1, source }, 1);
  expect(machine.run(100)?.vector).toBe(6);
  expect(machine.state.gpr(0)).toBe(7n);
});

test.each(SYSTEM_KERNELS)("$name goes round", (kernel) => {
  const program = new SystemProgram(kernel);
  const first = program.run(5000);
  expect(first).toBeGreaterThan(20 * kernel.instructions);
  expect(program.run(5000)).toBeGreaterThan(first);
});
