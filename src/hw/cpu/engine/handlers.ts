/**
 * Handlers of emitted code, made when first needed. The bytes of a handler depend on nothing but its form, so compiled
 * modules are kept for the life of the process; a machine only instantiates them over its memory.
 */

import type { AssistFunction } from "../assist.ts";
import { cyclesOf } from "../cycles.ts";
import type { Decoded, Decoder } from "../decode.ts";
import type { Form } from "../forms.ts";
import { record } from "../instruction.ts";
import { variantOf } from "../reference.ts";
import type { MicroOp } from "../uop.ts";
import type { BlockMode } from "./block-mode.ts";
import { emitHandler, type Shape } from "./emit.ts";
import { emitBlockEnd, emitStale } from "./emit-control.ts";
import { type Import, IMPORT_TYPES, IMPORTS, TYPES } from "./imports.ts";
import { type Level, LEVELS } from "./layout.ts";
import { encodeModule, type FunctionBody } from "./wasm.ts";

/** Handlers that belong to no instruction, at the start of the table. */
export const BLOCK_END: Readonly<Record<Level, number>> = {
  supervisor: 0,
  user: 1,
  "guest supervisor": 2,
  "guest user": 3,
};
export const STALE = 4;
const FIRST_FREE = 5;
/** Each instance has a copy of the table, so it is no larger than it has to be. */
const TABLE_SIZE = 512;

/** Compiled once a process: derived from the instruction tables alone. */
const compiled = new Map<number, WebAssembly.Module>();
interface KnownTrees {
  readonly modules: Map<string, WebAssembly.Module>;
  /** Keys of the blocks that they begin with. */
  readonly roots: Set<string>;
}
/** By decoder, since another takes bytes for other instructions; for all machines that execute the same bytes. */
const trees = new WeakMap<Decoder, KnownTrees>();
const MOST_TREES = 1024;
const formNumbers = new Map<Form, number>();

function moduleOf(body: FunctionBody): WebAssembly.Module {
  const bytes = encodeModule({
    types: TYPES,
    imports: IMPORTS.map((name, i) => ({ name, type: IMPORT_TYPES[i] as number })),
    functions: [{ name: "h", type: 0, body }],
  });
  return new WebAssembly.Module(bytes);
}

function compile(key: number, make: () => FunctionBody): WebAssembly.Module {
  let module = compiled.get(key);
  if (module === undefined) {
    module = moduleOf(make());
    compiled.set(key, module);
  }
  return module;
}

function shapeOf(decoded: Decoded, mode: BlockMode): Shape {
  const memory = decoded.operands.find(({ is }) => is === "memory");
  const indexed = memory?.is === "memory" && memory.memory.index !== null;
  const { segment } = decoded;
  const { level } = mode;
  if (mode.code === 64) {
    const effective = segment === "FS" || segment === "GS" ? "based" : "flat";
    return { effective, named: "flat", indexed, level };
  }
  const isFlat = mode.flat && (segment === "DS" || segment === "ES" || segment === "SS");
  return {
    effective: isFlat ? "flat" : "checked",
    named: mode.flat ? "flat" : "checked",
    indexed,
    level,
  };
}

const SIZE_BITS = { 16: 0, 32: 1, 64: 2 } as const;
const REPEAT_BITS = { none: 0, rep: 1, repne: 2 } as const;

const SEGMENT_BITS = { flat: 0, based: 1, checked: 2 } as const;

/** A number for all that a handler depends on. */
function keyOf(
  { form, operands, operandSize, addressSize, repeat }: Decoded,
  shape: Shape,
  mode: BlockMode,
): number {
  let number = formNumbers.get(form);
  if (number === undefined) {
    number = formNumbers.size;
    formNumbers.set(form, number);
  }
  const places =
    (operands.some(({ is }) => is === "memory") ? 1 : 0) |
    (shape.indexed ? 2 : 0) |
    (SEGMENT_BITS[shape.effective] << 2) |
    (mode.key << 4);
  const sizes = SIZE_BITS[operandSize] | (SIZE_BITS[addressSize] << 2) | (REPEAT_BITS[repeat] << 4);
  // More than 32 bits.
  return number * 2 ** 17 + ((places << 6) | sizes);
}

const isAssist = (micro: MicroOp): micro is MicroOp & { readonly run: AssistFunction } =>
  micro.op === "assist" || micro.op === "assistIf";

const goesElsewhere = ({ op }: MicroOp): boolean => op === "jump" || op === "assist";

/** What the environment gives to emitted code, by the names of IMPORTS. */
export type HostFunctions = Readonly<Record<Import, (...values: never[]) => unknown>>;

/** A handler in the table. */
export interface PlacedHandler {
  readonly place: number;
  /** Control goes elsewhere after it. */
  readonly ends: boolean;
  readonly assist: AssistFunction | null;
  readonly cycles: number;
  /** What it was made from. */
  readonly list: readonly MicroOp[];
  readonly shape: Shape;
}

type Entry = (cpu: number, record: number) => number;

/** The handlers of one memory. */
export class HandlerTable {
  readonly #table = new WebAssembly.Table({ element: "anyfunc", initial: TABLE_SIZE });
  readonly #places = new Map<number, PlacedHandler>();
  readonly #imports: WebAssembly.Imports;
  #free = FIRST_FREE;
  readonly #freed: number[] = [];
  /** What the host has entered, by place: the table itself is slow to ask. */
  readonly #entries: (Entry | undefined)[] = [];

  constructor(memory: WebAssembly.Memory, host: HostFunctions) {
    this.#imports = { e: { m: memory, t: this.#table, ...host } };
    for (const level of LEVELS) {
      const place = BLOCK_END[level];
      this.#put(
        place,
        compile(-1 - place, () => emitBlockEnd(level)),
      );
    }
    this.#put(STALE, compile(-1 - STALE, emitStale));
  }

  /** The handler for a decoded instruction. */
  handlerOf(decoded: Decoded, mode: BlockMode): PlacedHandler {
    const shape = shapeOf(decoded, mode);
    const key = keyOf(decoded, shape, mode);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const { instruction, form } = decoded;
    const list = record(instruction, form, variantOf(decoded, mode.stack));
    const module = compile(key, () => emitHandler(list, form, shape));
    const assist = list.find(isAssist);
    const placed: PlacedHandler = {
      place: this.#take(),
      ends: list.some(goesElsewhere),
      assist: assist?.run ?? null,
      cycles: cyclesOf(form.mnemonic, list),
      list,
      shape,
    };
    this.#put(placed.place, module);
    this.#places.set(key, placed);
    return placed;
  }

  /** Whether somebody has compiled a tree that begins with such a block. */
  hasTreeOf(decoder: Decoder, root: string): boolean {
    return trees.get(decoder)?.roots.has(root) ?? false;
  }

  /** The place of a tree that somebody has compiled before, or null. */
  knownTree(decoder: Decoder, key: string): number | null {
    const module = trees.get(decoder)?.modules.get(key);
    return module === undefined ? null : this.#placeTree(module);
  }

  /** The place of a tree, until it is given back. */
  addTree(decoder: Decoder, root: string, key: string, body: FunctionBody): number {
    const module = moduleOf(body);
    let known = trees.get(decoder);
    if (known === undefined || known.modules.size === MOST_TREES) {
      known = { modules: new Map(), roots: new Set() };
      trees.set(decoder, known);
    }
    known.modules.set(key, module);
    known.roots.add(root);
    return this.#placeTree(module);
  }

  #placeTree(module: WebAssembly.Module): number {
    const place = this.#take();
    this.#put(place, module);
    return place;
  }

  removeTree(place: number): void {
    this.#table.set(place, null);
    this.#entries[place] = undefined;
    this.#freed.push(place);
  }

  /** Calls the handler at a place. */
  enter(place: number, cpu: number, at: number): number {
    const known = this.#entries[place];
    if (known !== undefined) return known(cpu, at);
    const entry = this.#table.get(place) as Entry;
    this.#entries[place] = entry;
    return entry(cpu, at);
  }

  #take(): number {
    const freed = this.#freed.pop();
    if (freed !== undefined) return freed;
    if (this.#free === this.#table.length) this.#table.grow(this.#free);
    this.#free += 1;
    return this.#free - 1;
  }

  #put(place: number, module: WebAssembly.Module): void {
    const { exports } = new WebAssembly.Instance(module, this.#imports);
    this.#table.set(place, exports["h"]);
    this.#entries[place] = undefined;
  }
}
