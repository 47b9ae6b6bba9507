/**
 * The rows of the integer instructions as cases for the oracle: each seed is an encoding with other registers, another
 * way to address memory and other prefixes, and hints that make the instruction do something worth comparing.
 */

import type { Form, OperandKind } from "../../src/hw/cpu/forms.ts";
import { type Instruction, record } from "../../src/hw/cpu/instruction.ts";
import { Draws } from "./draws.ts";
import type { Encoding, FormToFreeze } from "./freeze.ts";
import { CODE_ADDRESS, type InputHints, type MemoryHint, type RegisterHint } from "./inputs.ts";
import { vectorInput } from "./vectors.ts";
import { type Mode, WINDOW } from "./records.ts";
import { vectorContents, vectorHints } from "./vector-hints.ts";
import { isX87Form, x87Contents, x87Hints } from "./x87-hints.ts";
import { isXsaveForm, xsaveContents, xsaveHints, xsaveRegisters } from "./xsave-hints.ts";

const [RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI] = [0, 1, 2, 3, 4, 5, 6, 7];
const ALIGNMENT_CHECK = 0x4_0000n;

const INTEGER_OPERANDS: ReadonlySet<OperandKind> = new Set([
  "reg",
  "rm",
  "memory",
  "opcodeReg",
  "fixedGpr",
  "immediate",
  "relative",
  "moffs",
  "one",
]);

/** No assist, no vector and no state that user programs cannot see. */
export function isInteger(instruction: Instruction, form: Form): boolean {
  if (form.operands.some(({ kind }) => !INTEGER_OPERANDS.has(kind))) return false;
  const list = record(instruction, form, {
    memory: form.modrm?.allows === "memory",
    operandSize: form.operandSize ?? 32,
    addressSize: form.addressSize ?? 64,
    stackSize: 64,
    repeat: "none",
  });
  return list.every(({ op }) => op !== "assist" && op !== "readControl");
}

/** The manual's entry: conditions share one. */
const entryOf = (mnemonic: string): string =>
  /^(J|SET|CMOV)N?([OBZSPL]|BE|LE)$/.test(mnemonic)
    ? `${/^(J|SET|CMOV)/.exec(mnemonic)?.[0]}cc`
    : mnemonic;

/** The forms of an instruction that are wanted and that the mode has. */
export function formsToAsk(
  instruction: Instruction,
  isWanted: (instruction: Instruction, form: Form) => boolean,
  mode: Mode,
): readonly FormToFreeze[] {
  const { mnemonic, forms } = instruction;
  const isValid = ({ modes, rexW }: Form): boolean =>
    mode === 64 ? modes.startsWith("V") : modes.endsWith("/V") && rexW !== true;
  return forms
    .filter((form) => isValid(form) && isWanted(instruction, form))
    .map((form) => {
      const entry = entryOf(mnemonic);
      const name = `${mnemonic} ${form.row[0]} ${form.row[1]} ${form.operandSize ?? "any"}`;
      return {
        mnemonic: entry,
        form: name,
        mode,
        encodings: (seed) => {
          const seedText = `${entry}/${name}/${seed}`;
          const encoding = new Encoder(instruction, form, seedText, mode).encode();
          // Alignment checks are not modelled.
          const { rflags } = vectorInput(entry, name, mode, { seed, ...encoding });
          return (rflags & ALIGNMENT_CHECK) === 0n ? encoding : undefined;
        },
      };
    });
}

interface Address {
  readonly rex: number;
  readonly bytes: readonly number[];
  readonly hint: Omit<MemoryHint, "bytes">;
  /** RIP-relative: the displacement waits for the length of the instruction. */
  readonly target?: number;
}

const numberBytes = (value: number | bigint, size: number): number[] =>
  Array.from({ length: size }, (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 0xffn));

const MAP_BYTES = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]] as const;

class Encoder {
  readonly #instruction: Instruction;
  readonly #form: Form;
  readonly #draws: Draws;
  readonly #registers: RegisterHint[] = [];
  readonly #memory: MemoryHint[] = [];
  readonly #reg: number;
  readonly #rm: number;
  readonly #inMemory: boolean;
  readonly #mode: Mode;
  readonly #addressBits: 32 | 64;
  readonly #segment: "FS" | "GS" | undefined;
  readonly #repeat: number;

  constructor(instruction: Instruction, form: Form, seed: string, mode: Mode) {
    const registers = mode === 64 ? 16 : 8;
    this.#mode = mode;
    const draws = new Draws(seed);
    this.#instruction = instruction;
    this.#form = form;
    this.#draws = draws;
    this.#reg = draws.below(registers);
    this.#rm = draws.below(registers);
    const allows = form.modrm?.allows ?? "register";
    const hasOperand = form.modrm !== null && form.modrm.fixed === null;
    // AMD's processors read 4 bytes for MOVSXD's 16 bits: see coverage/native-differences.md.
    const isShortRead = instruction.mnemonic === "MOVSXD" && form.operandSize === 16;
    this.#inMemory =
      hasOperand && !isShortRead && (allows === "any" ? draws.chance(2) : allows === "memory");
    const short = form.addressSize === 32 || (form.addressSize === null && draws.chance(8));
    this.#addressBits = short || mode === 32 ? 32 : 64;
    const overrides = draws.chance(16) && instruction.mnemonic !== "MASKMOVDQU";
    this.#segment = overrides ? draws.pick(["FS", "GS"] as const) : undefined;
    this.#repeat = instruction.repeat === undefined ? 0 : draws.pick([0, 0xf2, 0xf3]);
  }

  encode(): Encoding {
    const form = this.#form;
    this.#hintRegisters();
    const bytes = this.#prefixes();
    const address = this.#inMemory ? this.#address() : null;
    const digit = form.modrm?.digit ?? null;
    const reg = digit ?? this.#reg;
    const opcodeRegister = form.plusRegister ? this.#rm : 0;
    const hasModRm = form.modrm !== null && form.modrm.fixed === null;
    const rex =
      (form.rexW === true ? 8 : 0) |
      (hasModRm ? (reg >> 3) << 2 : 0) |
      (address?.rex ?? (hasModRm ? this.#rm >> 3 : 0)) |
      (opcodeRegister >> 3);
    if (this.#mode === 64 && (rex !== 0 || this.#draws.chance(4))) bytes.push(0x40 | rex);
    bytes.push(...MAP_BYTES[form.map], form.opcode + (opcodeRegister & 7));
    if (form.modrm !== null && form.modrm.fixed !== null) bytes.push(form.modrm.fixed);
    else if (address !== null)
      bytes.push((address.bytes[0] as number) | ((reg & 7) << 3), ...address.bytes.slice(1));
    else if (form.modrm !== null) bytes.push(0xc0 | ((reg & 7) << 3) | (this.#rm & 7));
    const tail = this.#tail();
    if (address?.target !== undefined) {
      const next = CODE_ADDRESS + bytes.length + 4 + tail.length;
      bytes.push(...numberBytes(address.target - next, 4));
    }
    bytes.push(...tail);
    return { code: Uint8Array.from(bytes), hints: this.#hints() };
  }

  #prefixes(): number[] {
    const form = this.#form;
    const bytes: number[] = [];
    if (this.#segment !== undefined) bytes.push(this.#segment === "FS" ? 0x64 : 0x65);
    if (this.#addressBits === 32 && this.#mode === 64) bytes.push(0x67);
    if (this.#inMemory && this.#instruction.lock === true && this.#draws.chance(8))
      bytes.push(0xf0);
    if (form.operandSize === 16) bytes.push(0x66);
    if (this.#repeat !== 0) bytes.push(this.#repeat);
    if (form.prefix !== null && /^[0-9A-F]{2}$/.test(form.prefix))
      bytes.push(Number.parseInt(form.prefix, 16));
    return bytes;
  }

  /** Immediates and displacements after ModR/M. */
  #tail(): number[] {
    const { form, draws } = { form: this.#form, draws: this.#draws };
    const bytes = form.immediates.flatMap((size) => {
      const relative = form.operands.some(({ kind }) => kind === "relative");
      const near = relative && size === 4 && draws.chance(2);
      if (near) return numberBytes(draws.between(-0x800, 0x7ff), 4);
      return numberBytes(draws.integer(), size);
    });
    if (form.operands.some(({ kind }) => kind === "moffs")) {
      const at = WINDOW.data.address + draws.below(WINDOW.data.bytes - 8);
      bytes.push(...numberBytes(at, this.#addressBits / 8));
      this.#memory.push({ displacement: at, bytes: 8, ...this.#place() });
    }
    return bytes;
  }

  #place(): Pick<MemoryHint, "addressBits" | "segment"> {
    const addressBits = this.#addressBits;
    return this.#segment === undefined ? { addressBits } : { addressBits, segment: this.#segment };
  }

  /** A way to address memory; the first byte is ModR/M without its reg field. */
  #address(): Address {
    const draws = this.#draws;
    const taken = new Set(this.#registers.map(({ register }) => register));
    const free = Array.from({ length: this.#mode === 64 ? 16 : 8 }, (_, i) => i).filter(
      (i) => !taken.has(i),
    );
    const base = draws.pick(free);
    const small = draws.between(-128, 127);
    const place = this.#place();
    const way = draws.below(16);
    let address: Address;
    if (way === 0 && this.#mode === 64) {
      const target = WINDOW.data.address + draws.below(WINDOW.data.bytes - 16);
      address = { rex: 0, bytes: [0x05], hint: { displacement: target, ...place }, target };
    } else if (way < 2) {
      const at = WINDOW.data.address + draws.below(WINDOW.data.bytes - 16);
      const bytes = [0x04, 0x25, ...numberBytes(at, 4)];
      address = { rex: 0, bytes, hint: { displacement: at, ...place } };
    } else if (way < 5) {
      const index = draws.pick(free.filter((i) => i !== RSP));
      const scaleBits = draws.below(4);
      const scale = (1 << scaleBits) as 1 | 2 | 4 | 8;
      const sib = (scaleBits << 6) | ((index & 7) << 3) | (base & 7);
      const bytes = [0x44, sib, ...numberBytes(small, 1)];
      const hint = { base, index, scale, displacement: small, ...place };
      address = { rex: (base >> 3) | ((index >> 3) << 1), bytes, hint };
    } else {
      const wide = way < 8;
      const displacement = wide ? draws.between(-100_000, 100_000) : small;
      const rm = [(wide ? 0x80 : 0x40) | (base & 7), ...((base & 7) === RSP ? [0x24] : [])];
      const bytes = [...rm, ...numberBytes(displacement, wide ? 4 : 1)];
      address = { rex: base >> 3, bytes, hint: { base, displacement, ...place } };
    }
    this.#memory.push({ ...address.hint, ...this.#contents() });
    return address;
  }

  #contents(): Pick<MemoryHint, "bytes" | "align" | "content"> {
    const { mnemonic } = this.#instruction;
    if (mnemonic === "CMPXCHG16B") return { bytes: 16, align: 16 };
    const known =
      xsaveContents(this.#instruction) ?? x87Contents(this.#instruction, this.#form, this.#draws);
    if (known !== null) return known;
    const vector = vectorContents(this.#instruction, this.#form, this.#draws);
    if (vector !== null) return vector;
    const operand = this.#form.operands.find(({ kind }) => kind === "rm" || kind === "memory");
    const width = operand?.memoryWidth || (this.#form.operandSize ?? 8);
    if (/^(CALL|JMP)$/.test(mnemonic)) return { bytes: 8, content: "code" };
    return { bytes: width / 8 };
  }

  /** Counts stay small, bit offsets near, quotients mostly fit. */
  #hintRegisters(): void {
    const { mnemonic } = this.#instruction;
    const form = this.#form;
    const keep = (register: number, min: number, max: number): void => {
      this.#registers.push({ register, min, max });
    };
    this.#registers.push(...xsaveRegisters(this.#instruction));
    if (this.#repeat !== 0) keep(RCX, 0, 6);
    if (/^LOOP|^J.?CXZ$/.test(mnemonic)) keep(RCX, -1, 3);
    if (mnemonic === "XLATB") keep(RAX, 0, 255);
    if (mnemonic.startsWith("BT") && this.#inMemory && form.immediates.length === 0)
      keep(this.#reg, -600, 600);
    if (mnemonic === "DIV" && !this.#draws.chance(3)) {
      if (form.operandSize === null) keep(RAX, 0, 0x7ff);
      else keep(RDX, 0, 3);
    }
    if (mnemonic === "IDIV" && !this.#draws.chance(3)) {
      if (form.operandSize === null) keep(RAX, -0x7ff, 0x7ff);
      else keep(RDX, -3, 2);
    }
    if (mnemonic.startsWith("CMPXCHG") && this.#draws.chance(2)) {
      keep(RAX, -1, 1);
      keep(RDX, -1, 1);
      if (!this.#inMemory) keep(this.#rm, -1, 1);
    }
    if (/^(CALL|JMP)$/.test(mnemonic) && form.modrm !== null && !this.#inMemory)
      keep(this.#rm, WINDOW.code.address, WINDOW.code.address + 0xfff);
  }

  #hints(): InputHints {
    const [instruction, form, draws] = [this.#instruction, this.#form, this.#draws];
    if (isXsaveForm(instruction)) {
      const hints = xsaveHints(draws);
      return { ...hints, memory: this.#memory, registers: this.#registers };
    }
    if (isX87Form(instruction, form)) {
      const hints = x87Hints(instruction, form, draws);
      const memory = [...this.#memory, ...(hints.memory ?? [])];
      return { ...hints, memory, registers: this.#registers };
    }
    const { mnemonic } = this.#instruction;
    const width = (this.#form.operandSize ?? 8) / 8;
    const string = /^(MOVS|CMPS|SCAS|LODS|STOS)[BWDQ]$/.exec(mnemonic)?.[1];
    const memory = [...this.#memory];
    const span = width * 8;
    if (string === "MOVS" || string === "CMPS" || string === "LODS")
      memory.push({ base: RSI, bytes: span, ...this.#place() });
    if (string !== undefined && string !== "LODS")
      memory.push({ base: RDI, bytes: span, addressBits: this.#addressBits });
    if (mnemonic === "XLATB") memory.push({ base: RBX, bytes: 256, ...this.#place() });
    if (mnemonic === "LEAVE") memory.push({ base: RBP, bytes: 8, region: "stack" });
    return {
      memory,
      registers: this.#registers,
      stack: mnemonic === "RET" ? ["code"] : [],
      repeat: this.#repeat !== 0,
      ...vectorHints(this.#instruction, this.#form, this.#draws),
    };
  }
}
