/** The driver of oracle.c: builds it with gcc and libsepol, and puts questions to it, all of them at once. */

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("oracle.c", import.meta.url));
const GCC = "gcc";
const ANSWERS_MAX_BYTES = 1 << 28;

export class Sepol {
  readonly #folder = mkdtempSync(join(tmpdir(), "kvmsim-sepol-"));

  constructor() {
    const library = execFileSync(GCC, ["-print-file-name=libsepol.a"], {
      encoding: "utf8",
    }).trim();
    if (!existsSync(library)) throw new Error("libsepol.a is not installed: libsepol-dev");
    execFileSync(GCC, ["-O2", "-Wall", "-Werror", "-o", this.#program, SOURCE, library]);
  }

  get #program(): string {
    return join(this.#folder, "oracle");
  }

  /** A line for each question. */
  ask(policy: string, questions: readonly string[]): readonly string[] {
    const { stdout, stderr, status } = spawnSync(this.#program, [policy], {
      input: `${questions.join("\n")}\n`,
      encoding: "utf8",
      maxBuffer: ANSWERS_MAX_BYTES,
    });
    const answers = stdout.trimEnd().split("\n");
    if (status !== 0 || answers.length !== questions.length)
      throw new Error(`the oracle ended with ${String(status)}: ${stderr}`);
    return answers;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }
}
