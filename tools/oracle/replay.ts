/** The frozen answers, all or a sample, put to the simulated CPU. */

import { readdirSync, readFileSync } from "node:fs";
import { disagreement } from "./agreement.ts";
import { Draws } from "./draws.ts";
import { ENGINES } from "./model.ts";
import { readVectors, thaw } from "./vectors.ts";

const FOLDER = "fixtures/native";

export interface Replayed {
  readonly forms: number;
  readonly cases: number;
  /** Cases that the interpreter ran as well as the reference. */
  readonly interpreted: number;
  readonly different: readonly string[];
}

export interface ReplayOptions {
  /** Cases of each form, drawn anew with another seed; all of them where absent. */
  readonly sample?: { readonly casesPerForm: number; readonly seed: string };
  /** One case in so many is also run by the interpreter, which costs more to set up. */
  readonly interpretOneIn: number;
  /** Told before each file. */
  readonly onFile?: (at: number, files: number) => void;
}

/** Folder and name of each file, in order. */
export function vectorFiles(): readonly string[] {
  return readdirSync(FOLDER, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => readdirSync(`${FOLDER}/${name}`).map((file) => `${name}/${file}`))
    .toSorted();
}

export function replay({ sample, interpretOneIn, onFile }: ReplayOptions): Replayed {
  const [reference] = ENGINES;
  const draws = new Draws(`replay/${sample?.seed}`);
  const files = vectorFiles();
  const different: string[] = [];
  let [forms, cases, interpreted] = [0, 0, 0];
  for (const [at, name] of files.entries()) {
    onFile?.(at, files.length);
    const file = readVectors(readFileSync(`${FOLDER}/${name}`));
    for (const group of file.groups) {
      forms += 1;
      const { vectors } = group;
      const chosen =
        sample === undefined
          ? vectors
          : Array.from({ length: sample.casesPerForm }, () => draws.pick(vectors));
      for (const stored of chosen) {
        cases += 1;
        const isBoth = draws.chance(interpretOneIn);
        if (isBoth) interpreted += 1;
        const { input, result } = thaw(file.mnemonic, group, stored);
        const engines = isBoth ? ENGINES : [reference];
        const found = disagreement(file.mnemonic, input, result, engines);
        if (found.length === 0) continue;
        const code = Buffer.from(input.code).toString("hex");
        different.push(
          `${name}, ${group.form}, seed ${stored.seed} (${code}): ${found.join("; ")}`,
        );
      }
    }
  }
  return { forms, cases, interpreted, different };
}
