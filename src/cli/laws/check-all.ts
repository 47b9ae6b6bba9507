/** All chosen laws checked, with a bar or lines as they are done; what comes out is in the order of the laws. */

import { casesOf, type Effort, type Law } from "../../../properties/support/law.ts";
import { type Checked, lineOf } from "../check-report.ts";
import { type Io, isWatched } from "../io.ts";
import { startProgress } from "../progress.ts";
import type { Checker } from "./checkers.ts";

export async function checkAll(
  laws: readonly Law[],
  effort: Effort,
  checker: Checker,
  quiet: boolean,
  io: Io,
): Promise<readonly Checked[]> {
  const bar = new CasesBar(laws, effort.factor, io);
  const done = new Map<Law, Checked>();
  let told = 0;
  const tellInOrder = (): void => {
    for (const law of laws.slice(told)) {
      const checked = done.get(law);
      if (checked === undefined) break;
      if (!quiet && !isWatched(io)) io.stdout.write(lineOf(checked));
      told += 1;
    }
  };
  try {
    await checker(laws, effort, {
      cases: (law, cases) => bar.show(law, cases),
      done(law, run) {
        bar.end(law);
        done.set(law, { law, ...run });
        tellInOrder();
      },
    });
  } finally {
    bar.stop();
  }
  return laws.flatMap((law) => done.get(law) ?? []);
}

/** The cases of all laws as one bar. */
class CasesBar {
  readonly #factor: number;
  readonly #bar: ReturnType<typeof startProgress>;
  readonly #begun = new Map<Law, number>();
  #sum = 0;

  constructor(laws: readonly Law[], factor: number, io: Io) {
    this.#factor = factor;
    const total = laws.reduce((sum, law) => sum + casesOf(law, factor), 0);
    this.#bar = startProgress(io, total);
  }

  show(law: Law, cases: number): void {
    const most = casesOf(law, this.#factor);
    this.#raise(law, Math.min(cases, most));
    // A law that has fallen runs more cases, to find the smallest that breaks it.
    this.#bar.update(this.#sum, cases > most ? `${law.name}: shrinking` : law.name);
  }

  end(law: Law): void {
    this.#raise(law, casesOf(law, this.#factor));
    this.#bar.update(this.#sum, law.name);
  }

  stop(): void {
    this.#bar.stop();
  }

  #raise(law: Law, cases: number): void {
    this.#sum += cases - (this.#begun.get(law) ?? 0);
    this.#begun.set(law, cases);
  }
}
