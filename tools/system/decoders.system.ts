/** Millions of byte strings to our decoder and iced-x86: every opcode with every ModR/M byte, in all three code sizes. */

import process from "node:process";
import { expect, test } from "vitest";
import { compareDecoders } from "../../properties/support/iced.ts";
import { DEFAULT_SEED } from "../../properties/support/law.ts";
import type { CodeSize } from "../../src/hw/cpu/decode.ts";
import type { Form } from "../../src/hw/cpu/forms.ts";
import { INSTRUCTIONS } from "../../src/hw/cpu/isa/index.ts";
import { Draws } from "../oracle/draws.ts";

const ROUNDS = 3;
const CASES_OF_ROW = 16;
const CASES_MIN = 2_000_000;
const SECONDS_MAX = 600;
const SHOWN_MAX = 20;
const CODE_SIZES: readonly CodeSize[] = [16, 32, 64];
const MAPS = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]] as const;
const MANDATORY = [0x66, 0xf3, 0xf2] as const;
const PREFIXES = [...MANDATORY, 0x67, 0xf0, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65] as const;
/** More than the longest instruction has behind its ModR/M byte. */
const REST_BYTES = 13;

/** None, one that selects a row, a few or many; and for 64-bit code half the time REX. */
function anyPrefixes(draws: Draws, code: CodeSize): readonly number[] {
  const way = draws.below(16);
  const count = way < 5 ? 0 : way < 15 ? 1 + draws.below(3) : draws.below(15);
  const list: readonly number[] = way < 9 ? MANDATORY : PREFIXES;
  const prefixes = Array.from({ length: way < 9 ? Math.min(count, 1) : count }, () =>
    draws.pick(list),
  );
  return code === 64 && draws.chance(2) ? [...prefixes, 0x40 + draws.below(16)] : prefixes;
}

const nameOf = ({ mnemonic, row }: Form): string => `${mnemonic} ${row[0]}`;

/** The prefixes, the opcode and the ModR/M byte of a row. */
function startOf({ prefix, rexW, map, opcode, modrm }: Form, draws: Draws): readonly number[] {
  const mandatory = /^(66|F2|F3)$/.test(prefix ?? "") ? [Number.parseInt(prefix ?? "", 16)] : [];
  const rex = rexW === true ? [0x48 + draws.below(8)] : [];
  const drawn = draws.below(256);
  const digit = modrm?.digit ?? null;
  const byte = digit === null ? drawn : (drawn & 0xc7) | (digit << 3);
  return [
    ...mandatory,
    ...rex,
    ...MAPS[map],
    opcode,
    ...(modrm === null ? [] : [modrm.fixed ?? byte]),
  ];
}

test(
  "our decoder and iced-x86 agree on validity, length, mnemonic and address",
  () => {
    const seed = process.env["KVMSIM_SEED"] ?? String(DEFAULT_SEED);
    const draws = new Draws(`decoders/${seed}`);
    const different: string[] = [];
    const leftOut = new Set<string>();
    // By row: some rows of the manual are the same bytes with their operands in another order.
    const reached = new Set<string>();
    let cases = 0;
    const compare = (bytes: readonly number[], code: CodeSize): void => {
      cases += 1;
      const compared = compareDecoders(Uint8Array.from(bytes), code);
      if (compared.form !== null) reached.add(nameOf(compared.form));
      if (compared.leftOut !== null) leftOut.add(compared.leftOut);
      if (compared.difference !== null && different.length < SHOWN_MAX) {
        different.push(`${code}-bit ${Buffer.from(bytes).toString("hex")}: ${compared.difference}`);
      }
    };
    const rest = (length: number): number[] => Array.from({ length }, () => draws.below(256));
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const code of CODE_SIZES) {
        for (const [map, opcode] of MAPS.flatMap((m) =>
          Array.from({ length: 256 }, (_, i) => [m, i] as const),
        )) {
          for (let modrm = 0; modrm < 256; modrm += 1) {
            const prefixes = anyPrefixes(draws, code);
            compare([...prefixes, ...map, opcode, modrm, ...rest(REST_BYTES)], code);
          }
          // Whatever bytes come.
          compare(rest(20), code);
        }
        process.stderr.write(`decoders, round ${round + 1}, ${code}-bit code: ${cases} cases\n`);
      }
    }
    // Rows that chance seldom reaches: with a mandatory prefix, REX.W and a digit.
    for (const form of INSTRUCTIONS.flatMap(({ forms }) => forms)) {
      for (let n = 0; n < CASES_OF_ROW; n += 1)
        compare([...startOf(form, draws), ...rest(REST_BYTES)], 64);
    }
    const rows = INSTRUCTIONS.flatMap(({ forms }) => forms.map(nameOf));
    const missed = rows.filter((row) => !reached.has(row));
    process.stderr.write(`encodings of iced-x86 that no row describes: ${leftOut.size}\n`);
    expect(different, `seed ${seed}`).toEqual([]);
    expect(missed, "rows that no case reached").toEqual([]);
    expect(cases).toBeGreaterThanOrEqual(CASES_MIN);
  },
  SECONDS_MAX * 1000,
);
