/**
 * A writer of WebAssembly modules: just what the engine needs of the binary format (WebAssembly Core Specification,
 * "Binary Format", with the tail-call and sign-extension operators).
 */

export const I32 = 0x7f;
export const I64 = 0x7e;
export const V128 = 0x7b;
const VOID = 0x40;

/** Opcodes without immediates, by the specification's names. */
const OPCODES = {
  unreachable: 0x00,
  else: 0x05,
  end: 0x0b,
  return: 0x0f,
  drop: 0x1a,
  select: 0x1b,
  "i32.eqz": 0x45,
  "i32.eq": 0x46,
  "i32.ne": 0x47,
  "i32.lt_s": 0x48,
  "i32.lt_u": 0x49,
  "i64.eqz": 0x50,
  "i64.eq": 0x51,
  "i64.ne": 0x52,
  "i64.lt_s": 0x53,
  "i64.lt_u": 0x54,
  "i64.gt_u": 0x56,
  "i32.popcnt": 0x69,
  "i32.add": 0x6a,
  "i32.sub": 0x6b,
  "i32.and": 0x71,
  "i32.or": 0x72,
  "i32.xor": 0x73,
  "i32.shl": 0x74,
  "i32.shr_u": 0x76,
  "i64.clz": 0x79,
  "i64.ctz": 0x7a,
  "i64.popcnt": 0x7b,
  "i64.add": 0x7c,
  "i64.sub": 0x7d,
  "i64.mul": 0x7e,
  "i64.div_u": 0x80,
  "i64.rem_u": 0x82,
  "i64.and": 0x83,
  "i64.or": 0x84,
  "i64.xor": 0x85,
  "i64.shl": 0x86,
  "i64.shr_s": 0x87,
  "i64.shr_u": 0x88,
  "i64.rotl": 0x89,
  "i32.wrap_i64": 0xa7,
  "i64.extend_i32_u": 0xad,
  "f32.nearest": 0x90,
  "f64.nearest": 0x9e,
  "f32.convert_i64_s": 0xb4,
  "f64.convert_i64_s": 0xb9,
  "i32.reinterpret_f32": 0xbc,
  "i64.reinterpret_f64": 0xbd,
  "f32.reinterpret_i32": 0xbe,
  "f64.reinterpret_i64": 0xbf,
  "i64.extend8_s": 0xc2,
  "i64.extend16_s": 0xc3,
  "i64.extend32_s": 0xc4,
} as const;

const ACCESSES = {
  "i32.load": 0x28,
  "i64.load": 0x29,
  "i64.load8_u": 0x31,
  "i64.load16_u": 0x33,
  "i64.load32_u": 0x35,
  "i32.store": 0x36,
  "i64.store": 0x37,
  "i64.store8": 0x3c,
  "i64.store16": 0x3d,
  "i64.store32": 0x3e,
} as const;

export type Opcode = keyof typeof OPCODES;
export type MemoryOpcode = keyof typeof ACCESSES;

export interface FunctionType {
  readonly parameters: readonly number[];
  readonly results: readonly number[];
}

function unsignedLeb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const more = rest > 127;
    bytes.push((rest & 127) | (more ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return bytes;
}

function signedLeb(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const low = Number(rest & 127n);
    rest >>= 7n;
    const done = (rest === 0n && (low & 64) === 0) || (rest === -1n && (low & 64) !== 0);
    bytes.push(done ? low : low | 128);
    if (done) return bytes;
  }
}

const vector = (items: readonly (readonly number[])[]): number[] => [
  ...unsignedLeb(items.length),
  ...items.flat(),
];
const name = (text: string): number[] => [
  ...unsignedLeb(text.length),
  ...text.split("").map((c) => c.charCodeAt(0)),
];

/** The body of one function under construction. */
export class FunctionBody {
  readonly #bytes: number[] = [];
  readonly #locals: number[] = [];
  readonly #parameterCount: number;

  constructor(parameterCount: number) {
    this.#parameterCount = parameterCount;
  }

  /** A new local of a type; returns its index. */
  local(type: number): number {
    this.#locals.push(type);
    return this.#parameterCount + this.#locals.length - 1;
  }

  op(...opcodes: readonly Opcode[]): this {
    for (const opcode of opcodes) this.#bytes.push(OPCODES[opcode]);
    return this;
  }

  /** Bytes as they are. */
  raw(...bytes: readonly number[]): this {
    this.#bytes.push(...bytes);
    return this;
  }

  i32(value: number): this {
    this.#bytes.push(0x41, ...signedLeb(BigInt(value | 0)));
    return this;
  }

  i64(value: bigint): this {
    this.#bytes.push(0x42, ...signedLeb(BigInt.asIntN(64, value)));
    return this;
  }

  get(local: number): this {
    this.#bytes.push(0x20, ...unsignedLeb(local));
    return this;
  }

  set(local: number): this {
    this.#bytes.push(0x21, ...unsignedLeb(local));
    return this;
  }

  tee(local: number): this {
    this.#bytes.push(0x22, ...unsignedLeb(local));
    return this;
  }

  /** A load or store at a constant offset from the address on the stack; unaligned addresses are allowed. */
  memory(opcode: MemoryOpcode, offset = 0): this {
    this.#bytes.push(ACCESSES[opcode], 0, ...unsignedLeb(offset));
    return this;
  }

  if(result: number = VOID): this {
    this.#bytes.push(0x04, result);
    return this;
  }

  loop(): this {
    this.#bytes.push(0x03, VOID);
    return this;
  }

  /** Out of so many blocks more than the innermost; of a loop, to its start. */
  branch(depth: number): this {
    this.#bytes.push(0x0c, ...unsignedLeb(depth));
    return this;
  }

  call(index: number): this {
    this.#bytes.push(0x10, ...unsignedLeb(index));
    return this;
  }

  /** Leaves for the function of type `type` in table 0 whose index is on the stack. */
  tailCallIndirect(type: number): this {
    this.#bytes.push(0x13, ...unsignedLeb(type), 0);
    return this;
  }

  /** With the locals, for the code section. */
  encode(): number[] {
    const locals = vector(this.#locals.map((type) => [1, type]));
    const body = [...locals, ...this.#bytes, OPCODES.end];
    return [...unsignedLeb(body.length), ...body];
  }
}

export interface ModuleText {
  readonly types: readonly FunctionType[];
  /** Imported functions, from module `e`: name and type index. They come first in the index space. */
  readonly imports: readonly { readonly name: string; readonly type: number }[];
  readonly functions: readonly {
    readonly name: string;
    readonly type: number;
    readonly body: FunctionBody;
  }[];
}

/** A module that imports memory `e.m` and table `e.t` and exports its functions by name. */
export function encodeModule({ types, imports, functions }: ModuleText): Uint8Array {
  const section = (id: number, content: readonly number[]): number[] => [
    id,
    ...unsignedLeb(content.length),
    ...content,
  ];
  const environment = name("e");
  const typeSection = types.map(({ parameters, results }) => [
    0x60,
    ...vector(parameters.map((type) => [type])),
    ...vector(results.map((type) => [type])),
  ]);
  const importSection = [
    [...environment, ...name("m"), 0x02, 0x00, 0x00],
    [...environment, ...name("t"), 0x01, 0x70, 0x00, 0x00],
    ...imports.map((item) => [...environment, ...name(item.name), 0x00, ...unsignedLeb(item.type)]),
  ];
  const exportSection = functions.map((item, i) => [
    ...name(item.name),
    0x00,
    ...unsignedLeb(imports.length + i),
  ]);
  const bytes = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  // Pushed piece by piece: a module of many handlers is too long for one argument list.
  for (const [id, items] of [
    [1, typeSection],
    [2, importSection],
    [3, functions.map(({ type }) => unsignedLeb(type))],
    [7, exportSection],
    [10, functions.map(({ body }) => body.encode())],
  ] as const) {
    for (const byte of section(id, vector(items))) bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}
