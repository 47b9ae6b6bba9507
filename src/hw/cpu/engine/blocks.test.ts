import { expect, test } from "vitest";
import { PagedMemory } from "../../../sim/paged-memory.ts";
import { INTEL } from "../cpuid/profile.ts";
import { Decoder } from "../decode.ts";
import { BareEnvironment } from "../environment.ts";
import { FlatMemory } from "../flat-memory.ts";
import { INSTRUCTIONS } from "../isa/index.ts";
import { startLongMode } from "../start.ts";
import { CpuState } from "../state.ts";
import { Interpreter } from "./interpreter.ts";
import { CPU_BYTES, ORDINARY_HEAT, RECORD, RECORD_BYTES } from "./layout.ts";

const START = 0x10_0000n;
/** Three short blocks, and never a fourth. */
const AREA_BYTES = 72 * RECORD_BYTES;

test("a block whose records have gone to another one leaves them alone when its page is written", () => {
  const memory = new PagedMemory(1 << 16, CPU_BYTES + AREA_BYTES);
  // jmp to the second page, jmp to the third; there: mov byte [START + 800h], 1; dec ecx; jne back; ud2.
  memory.write(0, Uint8Array.of(0xe9, 0xfb, 0x0f, 0, 0));
  memory.write(0x1000, Uint8Array.of(0xe9, 0xfb, 0x0f, 0, 0));
  memory.write(
    0x2000,
    Uint8Array.of(0xc6, 0x04, 0x25, 0, 0x08, 0x10, 0, 1, 0xff, 0xc9, 0x75, 0xf4),
  );
  memory.write(0x200c, Uint8Array.of(0x0f, 0x0b));
  const interpreter = over(memory);
  interpreter.state.setGpr(1, 5n);
  for (let i = 0; i < 40 && interpreter.run(interpreter.state.cycles + 1) === null; i += 1);
  expect(interpreter.state.gpr(1)).toBe(0n);
});

test("a block becomes a tree also where emitted code returns to the host long before it is time to look", () => {
  const memory = new PagedMemory(1 << 16, CPU_BYTES + AREA_BYTES);
  // inc eax; inc eax; cpuid; jmp back.
  memory.write(0, Uint8Array.of(0xff, 0xc0, 0xff, 0xc0, 0x0f, 0xa2, 0xeb, 0xf8));
  const interpreter = over(memory);
  const words = new DataView(memory.wasm.buffer, CPU_BYTES);
  const [first, second] = [RECORD.handler, RECORD_BYTES + RECORD.handler];
  interpreter.run(1);
  expect(words.getInt32(first, true)).toBe(words.getInt32(second, true));
  interpreter.run(2 * ORDINARY_HEAT.samples * ORDINARY_HEAT.cycles);
  expect(words.getInt32(first, true)).not.toBe(words.getInt32(second, true));
});

function over(memory: PagedMemory): Interpreter {
  const state = new CpuState(memory.wasm.buffer, 0);
  startLongMode(state, 3);
  state.rip = START;
  const parts = {
    state,
    decoder: new Decoder(INSTRUCTIONS),
    memory: new FlatMemory(memory, START),
    environment: new BareEnvironment(INTEL),
  };
  const area = { records: CPU_BYTES, recordBytes: AREA_BYTES };
  return new Interpreter(memory.wasm, parts, area);
}
