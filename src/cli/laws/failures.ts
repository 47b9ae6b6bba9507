/** Failures that checks have found, one file for each law, so that the next check begins with them. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Effort, Law, LawFailure } from "../../../properties/support/law.ts";
import { InputError } from "../../api/index.ts";
import type { Checked } from "../check-report.ts";
import { jsonText } from "../tables.ts";
import { versionOfPackage } from "../version.ts";
import { isPath, type LawRun, runLaw } from "./run.ts";

const fileOf = (folder: string, law: Law): string => path.join(folder, `${law.name}.json`);

/** The kept cases that still break their laws. */
export function stillFallen(
  folder: string,
  laws: readonly Law[],
  effort: Effort,
): readonly Checked[] {
  return laws.flatMap((law) => {
    const kept = keptFailure(fileOf(folder, law));
    if (kept === null || kept.path === "") return [];
    const run = runAgain(law, { ...effort, seed: kept.seed, path: kept.path });
    return run === null || run.result.failure === null ? [] : [{ law, ...run }];
  });
}

/** Keeps what fell, and forgets what holds. Returns what kept it from that, or null. */
export function keepFailures(folder: string, all: readonly Checked[]): string | null {
  try {
    for (const { law, result } of all) {
      if (result.failure === null) {
        rmSync(fileOf(folder, law), { force: true });
        continue;
      }
      mkdirSync(folder, { recursive: true });
      const kept = { law: law.name, version: versionOfPackage(), ...result.failure };
      writeFileSync(fileOf(folder, law), jsonText(kept));
    }
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Null when the law has changed so that the case is not there any more. */
function runAgain(law: Law, effort: Effort): LawRun | null {
  try {
    return runLaw(law, effort, () => {});
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

function keptFailure(file: string): Pick<LawFailure, "seed" | "path"> | null {
  const text = textOf(file);
  if (text === null) return null;
  try {
    const { seed, path: place } = (JSON.parse(text) ?? {}) as Partial<LawFailure>;
    if (Number.isInteger(seed) && typeof place === "string" && (place === "" || isPath(place)))
      return { seed: Number(seed), path: place };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new InputError(`${file}: not a failure that was kept; delete it`);
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return null;
    throw new InputError(`${file}: cannot be read (${code})`);
  }
}
