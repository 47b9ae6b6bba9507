/** All frozen answers of a real CPU; and, where the oracle can run, answers to questions never put before. */

import process from "node:process";
import { expect, test } from "vitest";
import { DEFAULT_SEED } from "../../properties/support/law.ts";
import { askFresh } from "../oracle/fresh.ts";
import { formsOf, GROUPS } from "../oracle/groups.ts";
import { findOracle, type Oracle } from "../oracle/native.ts";
import { replay } from "../oracle/replay.ts";

const SECONDS_MAX = 900;
const FEWEST_FORMS = 2370;
const FEWEST_CASES_PER_FORM = 200;
const FRESH_PER_FORM = 20;
/** Beyond all frozen seeds. */
const FIRST_FRESH_SEED = 1_000_000;
const SHOWN_MAX = 20;

/** A line for each tenth that is done. */
function progress(what: string): (at: number, of: number) => void {
  let tenths = 0;
  return (at, of) => {
    const now = Math.floor((10 * at) / of);
    if (now === tenths) return;
    tenths = now;
    process.stderr.write(`${what}: ${at} of ${of}\n`);
  };
}

test(
  "every frozen answer of a CPU is the answer here",
  () => {
    const onFile = progress("frozen answers, files");
    const { forms, cases, interpreted, different } = replay({ interpretOneIn: 4, onFile });
    expect(different.slice(0, SHOWN_MAX)).toEqual([]);
    expect(forms).toBeGreaterThanOrEqual(FEWEST_FORMS);
    expect(cases).toBeGreaterThanOrEqual(forms * FEWEST_CASES_PER_FORM);
    expect(interpreted).toBeGreaterThan(cases / 8);
  },
  SECONDS_MAX * 1000,
);

function withOracle(oracle: Oracle): void {
  test(
    "the CPU of this machine answers fresh questions as the simulated one does",
    () => {
      const seed = Number(process.env["KVMSIM_SEED"] ?? DEFAULT_SEED) >>> 0;
      const forms = GROUPS.flatMap(formsOf);
      const tell = progress("fresh questions, forms");
      let cases = 0;
      const different: string[] = [];
      for (const [at, form] of forms.entries()) {
        tell(at, forms.length);
        const asked = askFresh(oracle, form, {
          firstSeed: FIRST_FRESH_SEED + seed * FRESH_PER_FORM,
          count: FRESH_PER_FORM,
        });
        cases += asked.cases;
        different.push(...asked.different);
      }
      expect(different.slice(0, SHOWN_MAX), `seed ${seed}`).toEqual([]);
      expect(forms.length).toBeGreaterThanOrEqual(FEWEST_FORMS);
      expect(cases).toBeGreaterThan(forms.length * FRESH_PER_FORM * 0.9);
    },
    SECONDS_MAX * 1000,
  );
}

function withoutOracle(reason: string): void {
  test("without the oracle nothing fresh can be asked", () => {
    expect(reason).toMatch(/gcc not found|needs x64 linux|cannot run here/);
  });
}

const found = findOracle();
if (found.kind === "ready") withOracle(found);
else withoutOracle(found.reason);
