/**
 * The kernel around a guest's random program: 64-bit mode, an arena of pages whose table the program edits, and a handler
 * of exceptions that goes on with the next action. What actions see is folded into one word, of which a byte is printed
 * after each. Multiboot Specification 0.6.96; SDM Vol. 3, "Initializing IA-32e Mode".
 */

import { assemble } from "../../../src/guests/assembler.ts";

/** Pages of the arena, which actions name by number. */
export const ARENA = 0x40_0000;
export const ARENA_PAGES = 256;
const PAGE = 4096;

/** Physical addresses: all of this is in the image. */
const BASE = 0x10_0000;
const [PML4, PDPT, PD, DEVICES_PD] = [0x10_1000, 0x10_2000, 0x10_3000, 0x10_4000] as const;
export const ARENA_TABLE = 0x10_5000;
const [IDT, GDT, STUBS] = [0x10_6000, 0x10_7000, 0x10_8000] as const;
const [IDT_POINTER, GDT_POINTER, TSS, PER_CPU] = [GDT + 0x80, GDT + 0x90, GDT + 0x100, GDT + 0x180];
const STACK_TOP = 0x10_a000;
const RUNTIME = STACK_TOP;
const PROGRAMS = 0x10_b000;
/** Of user actions: the last page of the arena. */
export const USER_STACK = ARENA + ARENA_PAGES * PAGE;

const HEADER_MAGIC = 0x1bad_b002;
const HEADER_FLAGS = 0x1_0000;
const [CODE, DATA, TASK] = [0x08, 0x10, 0x28] as const;
export const SELECTORS = { userCode: 0x1b, userData: 0x23 } as const;
/** What an action of user code ends with. */
export const BACK = 0x42;
/** Exceptions that push an error code: SDM Vol. 3, "Error Code". */
const WITH_ERROR = [8, 10, 11, 12, 13, 14, 17, 21];
const [VECTORS, STUB_BYTES] = [256, 16] as const;

/** Of a CPU, at R14: where to go on, its stack, interrupts that came, and a word kept from an action. */
export const OF_CPU = { next: 0, stack: 8, interrupts: 16, kept: 24 } as const;

const TRAMPOLINE: readonly number[] = [
  // cli; mov ebp, ebx; mov eax, PML4; mov cr3, eax; mov eax, PAE | PGE | OSFXSR | OSXMMEXCPT; mov cr4, eax
  [
    0xfa,
    0x89,
    0xdd,
    0xb8,
    ...dword(PML4),
    0x0f,
    0x22,
    0xd8,
    0xb8,
    ...dword(0x6a0),
    0x0f,
    0x22,
    0xe0,
  ],
  // mov ecx, EFER; mov eax, SCE | LME | NXE; xor edx, edx; wrmsr
  [0xb9, ...dword(0xc000_0080), 0xb8, ...dword(0x901), 0x31, 0xd2, 0x0f, 0x30],
  // mov eax, PG | WP | NE | ET | MP | PE; mov cr0, eax
  [0xb8, ...dword(0x8001_0033), 0x0f, 0x22, 0xc0],
  // lgdt; jmp CODE:RUNTIME
  [0x0f, 0x01, 0x15, ...dword(GDT_POINTER), 0xea, ...dword(RUNTIME), CODE, 0],
].flat();

/** Entered with the boot information in EBP; the letter behind the kernel's name in the command line says which program. */
const RUNTIME_SOURCE = `
  mov ax, ${DATA}
  mov ss, ax
  mov ds, ax
  mov es, ax
  mov rsp, ${STACK_TOP}
  mov r14d, ${PER_CPU}
  lidt [${IDT_POINTER}]
  mov ax, ${TASK}
  ltr ax
  mov al, 255
  out 0x21, al
  out 0xa1, al
  mov eax, 0xfee000f0
  mov dword [rax], 0x1ff
  mov qword [r14+${OF_CPU.stack}], rsp
  mov esi, dword [rbp+16]
  movzx eax, byte [rsi+7]
  mov r13d, dword [rsi+8]
  sub eax, 65
  xor r15d, r15d
  mov eax, dword [rax*4+${PROGRAMS}]
  jmp rax
handler:
  cmp qword [rsp], 32
  jnb interrupt
  pop rax
  pop rcx
  rol r15, 7
  xor r15, rax
  rol r15, 7
  xor r15, rcx
  cmp eax, 14
  jnz next
  mov rcx, cr2
  rol r15, 7
  xor r15, rcx
next:
  mov rsp, qword [r14+${OF_CPU.stack}]
  jmp qword [r14+${OF_CPU.next}]
interrupt:
  cmp qword [rsp], ${BACK}
  jz next
  push rax
  mov eax, 0xfee000b0
  mov dword [rax], 0
  inc qword [r14+${OF_CPU.interrupts}]
  pop rax
  add rsp, 16
  iretq
`;

const runtime = assemble(RUNTIME_SOURCE, BigInt(RUNTIME));
const HANDLER = Number(runtime.labels.get("handler"));

export function dword(value: number): readonly number[] {
  return [value, value >>> 8, value >>> 16, value >>> 24].map((byte) => byte & 0xff);
}

/** A piece of a program, once it is known where it lies. */
export type Piece = (at: number) => readonly number[];

/** Programs that one file holds; a guest runs the one whose letter its command line begins with, from A on. */
export function imageOf(programs: readonly (readonly Piece[])[]): Uint8Array {
  const starts: number[] = [];
  const codes: number[] = [];
  const first = PROGRAMS + 4 * programs.length;
  for (const pieces of programs) {
    starts.push(first + codes.length);
    for (const piece of pieces) codes.push(...piece(first + codes.length));
  }
  const image = new Uint8Array(first + codes.length - BASE);
  image.set(kernel().subarray(0, image.length));
  image.set([...starts.flatMap(dword), ...codes], PROGRAMS - BASE);
  return image;
}

let made: Uint8Array | null = null;
function kernel(): Uint8Array {
  made ??= makeKernel();
  return made;
}

function makeKernel(): Uint8Array {
  const image = new Uint8Array(PROGRAMS - BASE);
  const view = new DataView(image.buffer);
  const put = (at: number, value: bigint): void => view.setBigUint64(at - BASE, value, true);
  const put32 = (at: number, value: number): void => view.setUint32(at - BASE, value >>> 0, true);
  const header = [HEADER_MAGIC, HEADER_FLAGS, -(HEADER_MAGIC + HEADER_FLAGS), BASE, BASE, 0, 0];
  [...header, BASE + 32].forEach((word, i) => put32(BASE + 4 * i, word));
  image.set(TRAMPOLINE, 32);
  image.set(runtime.bytes, RUNTIME - BASE);
  makeTables(put);
  makeDescriptors(put, put32, image);
  return image;
}

/** Present, writable, and open to user code; a page of 2 MiB. */
const [OPEN, BLOCK] = [7n, 0x83n] as const;

/** What the table of the arena says of a page at first. */
export const arenaEntry = (page: number): bigint => BigInt(ARENA + PAGE * page) | OPEN;

function makeTables(put: (at: number, value: bigint) => void): void {
  put(PML4, BigInt(PDPT) | OPEN);
  put(PDPT, BigInt(PD) | OPEN);
  put(PDPT + 8 * 3, BigInt(DEVICES_PD) | OPEN);
  // The image is for user code, too: actions run there.
  put(PD, BLOCK | 4n);
  for (const block of [1, 3, 4, 5, 6, 7]) put(PD + 8 * block, BigInt(block * 0x20_0000) | BLOCK);
  put(PD + 8 * 2, BigInt(ARENA_TABLE) | OPEN);
  // The last GiB: devices.
  for (let block = 0; block < 512; block += 1)
    put(DEVICES_PD + 8 * block, BigInt(0xc000_0000 + block * 0x20_0000) | BLOCK | 0x10n);
  for (let page = 0; page < ARENA_PAGES; page += 1) put(ARENA_TABLE + 8 * page, arenaEntry(page));
}

function makeDescriptors(
  put: (at: number, value: bigint) => void,
  put32: (at: number, value: number) => void,
  image: Uint8Array,
): void {
  put(GDT + CODE, 0x00af_9b00_0000_ffffn);
  put(GDT + DATA, 0x00cf_9300_0000_ffffn);
  put(GDT + (SELECTORS.userCode & ~3), 0x00af_fb00_0000_ffffn);
  put(GDT + (SELECTORS.userData & ~3), 0x00cf_f300_0000_ffffn);
  const base = BigInt(TSS);
  put(GDT + TASK, 0x67n | ((base & 0xff_ffffn) << 16n) | (0x89n << 40n) | ((base >> 24n) << 56n));
  put(TSS + 4, BigInt(STACK_TOP));
  put32(TSS + 0x64, 0x68 << 16);
  pointer(image, GDT_POINTER, TASK + 15, GDT);
  pointer(image, IDT_POINTER, 16 * VECTORS - 1, IDT);
  for (let vector = 0; vector < VECTORS; vector += 1) {
    const stub = STUBS + STUB_BYTES * vector;
    const jump = [0x68, ...dword(vector), 0xe9];
    const code = WITH_ERROR.includes(vector) ? jump : [0x6a, 0, ...jump];
    image.set([...code, ...dword(HANDLER - (stub + code.length + 4))], stub - BASE);
    // An interrupt gate that user code may name.
    const gate = BigInt(stub & 0xffff) | (BigInt(CODE) << 16n) | (0xeen << 40n);
    put(IDT + 16 * vector, gate | (BigInt(stub >>> 16) << 48n));
  }
}

function pointer(image: Uint8Array, at: number, limit: number, to: number): void {
  image.set([limit & 0xff, limit >> 8, ...dword(to)], at - BASE);
}
