/** Jcc, JCXZ, JECXZ, JRCXZ: jump if a condition is met. SDM Vol. 2A, "Jcc—Jump if Condition Is Met". */

import { CONDITIONS, condition } from "../conditions.ts";
import type { Modes } from "../forms.ts";
import { type Instruction, instruction } from "../instruction.ts";

/** The opcode of a condition in a table that begins at `first`. */
const opcode = (first: number, code: number): string => (first + code).toString(16).toUpperCase();

const onConditions: readonly Instruction[] = CONDITIONS.map((name, code) =>
  instruction(`J${name}`, {
    forms: [
      [`${opcode(0x70, code)} cb`, "rel8", { sizes: [16, 32], modes: "NE/V" }],
      [`${opcode(0x70, code)} cb`, "rel8", { sizes: [64], default64: "forced", modes: "V/NE" }],
      [`0F ${opcode(0x80, code)} cw`, "rel16", { modes: "NE/V" }],
      [`0F ${opcode(0x80, code)} cd`, "rel32", { sizes: [32], modes: "NE/V" }],
      [`0F ${opcode(0x80, code)} cd`, "rel32", { sizes: [64], default64: "forced", modes: "V/NE" }],
    ],
    semantics: (u, operand) => {
      const taken = condition(u, name);
      const target = u.read(operand);
      u.checkTarget(target, taken);
      u.jumpIf(taken, target);
    },
  }),
);

/** The address size says which of the three an encoding is. */
const onCount = ([mnemonic, addressSize, modes]: readonly [
  string,
  16 | 32 | 64,
  Modes,
]): Instruction =>
  instruction(mnemonic, {
    forms: [
      [
        "E3 cb",
        "rel8",
        { sizes: [16, 32], addressSize, modes: addressSize === 64 ? "NE/NE" : "NE/V" },
      ],
      ["E3 cb", "rel8", { sizes: [64], default64: "forced", addressSize, modes }],
    ],
    semantics: (u, operand) => {
      const taken = u.isZero(u.gpr("rCX", u.variant.addressSize));
      const target = u.read(operand);
      u.checkTarget(target, taken);
      u.jumpIf(taken, target);
    },
  });

export const Jcc: readonly Instruction[] = [
  ...onConditions,
  ...(
    [
      ["JCXZ", 16, "NE/NE"],
      ["JECXZ", 32, "V/NE"],
      ["JRCXZ", 64, "V/NE"],
    ] as const
  ).map(onCount),
];
