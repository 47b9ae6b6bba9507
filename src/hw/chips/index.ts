/** Every chip, one line each; the laws of chips hold for what is listed here (docs/adr/0005-laws-as-data.md). */

import type { Chip } from "./chip.ts";
import { i8254 } from "./i8254.ts";
import { i8259 } from "./i8259.ts";

export const CHIPS: readonly Chip[] = [i8254, i8259];
