/** What guests of scenarios do: actions, each as words for a script and as code of its own. */

import { assemble } from "../../../src/guests/assembler.ts";
import {
  ARENA,
  ARENA_PAGES,
  ARENA_TABLE,
  BACK,
  dword,
  OF_CPU,
  type Piece,
  SELECTORS,
  USER_STACK,
} from "./guest-kernel.ts";

const PAGE = 4096;

/** Numbers beyond 32 bits are hexadecimal text, so that a scenario is JSON. */
export type Word = string;

/** What can be done at either privilege level. */
export type PlainAction =
  | { readonly do: "write"; readonly page: number; readonly offset: number; readonly value: Word }
  | { readonly do: "read"; readonly page: number; readonly offset: number }
  | { readonly do: "fill"; readonly page: number; readonly pages: number; readonly value: Word }
  | { readonly do: "sum"; readonly page: number; readonly pages: number }
  | { readonly do: "copy"; readonly from: number; readonly to: number; readonly bytes: number }
  | { readonly do: "exchange"; readonly page: number; readonly value: Word }
  | { readonly do: "in"; readonly port: number; readonly size: 1 | 2 | 4 }
  | { readonly do: "out"; readonly port: number; readonly size: 1 | 2 | 4; readonly value: number }
  | { readonly do: "outs"; readonly page: number; readonly bytes: number }
  | { readonly do: "load"; readonly address: Word; readonly size: 1 | 2 | 4 | 8 }
  | {
      readonly do: "store";
      readonly address: Word;
      readonly size: 1 | 2 | 4 | 8;
      readonly value: Word;
    }
  | { readonly do: "rdmsr"; readonly msr: number }
  | { readonly do: "wrmsr"; readonly msr: number; readonly value: Word }
  | { readonly do: "control"; readonly register: "cr0" | "cr4" | "cr8"; readonly flip: number }
  | { readonly do: "cpuid"; readonly leaf: number; readonly subleaf: number }
  | { readonly do: "call"; readonly number: number; readonly argument: number }
  | { readonly do: "virtualize"; readonly instruction: VirtualInstruction; readonly page: number }
  | { readonly do: "int"; readonly vector: number }
  | { readonly do: "pause"; readonly count: number }
  | { readonly do: "spin"; readonly count: number };

/** What only a kernel does. */
export type KernelAction =
  | { readonly do: "halt"; readonly ticks: number }
  | { readonly do: "signal"; readonly vector: number }
  | {
      readonly do: "map";
      readonly page: number;
      readonly to: number;
      readonly rights: "rw" | "ro" | "kernel" | "no-execute" | "none";
      readonly flush: "invlpg" | "cr3" | "all";
    }
  | {
      readonly do: "rewrite";
      readonly page: number;
      readonly first: number;
      readonly second: number;
    }
  | { readonly do: "tell secret" }
  | { readonly do: "keep secret"; readonly page: number; readonly pages: number };

export type GuestAction =
  | PlainAction
  | KernelAction
  | { readonly do: "as user"; readonly action: PlainAction };

const VIRTUAL = {
  vmxon: "vmxon qword [rbx]",
  vmclear: "vmclear qword [rbx]",
  vmptrld: "vmptrld qword [rbx]",
  vmlaunch: "vmlaunch",
  vmresume: "vmresume",
  vmxoff: "vmxoff",
  vmread: "vmread rcx, rax",
  vmrun: "vmrun",
  vmload: "vmload",
  vmsave: "vmsave",
  stgi: "stgi",
  clgi: "clgi",
  invlpga: "invlpga",
} as const;

export type VirtualInstruction = keyof typeof VIRTUAL;
export const VIRTUAL_INSTRUCTIONS = Object.keys(VIRTUAL) as readonly VirtualInstruction[];

/** What the guest sees of it depends on who makes its machine: nothing is kept of it. */
const isQuiet = ({ do: what }: GuestAction): boolean =>
  what === "cpuid" || what === "call" || what === "virtualize";

const addressOf = (page: number, offset = 0): number =>
  ARENA + PAGE * (page % ARENA_PAGES) + offset;

const FOLD = "rol r15, 5\nxor r15, rax";
const REGISTERS = { 1: "al", 2: "ax", 4: "eax", 8: "rax" } as const;
const SIZES = { 1: "byte", 2: "word", 4: "dword", 8: "qword" } as const;

const RIGHTS = { rw: 7n, ro: 5n, kernel: 3n, "no-execute": (1n << 63n) | 7n, none: 6n } as const;
const FLUSHES = {
  invlpg: "invlpg [rbx]",
  cr3: "mov rax, cr3\nmov cr3, rax",
  all: "mov rax, cr4\nxor rax, 128\nmov cr4, rax\nxor rax, 128\nmov cr4, rax",
} as const;

/** The local APIC: SDM Vol. 3, "Local APIC Register Address Map". */
const APIC = 0xfee0_0000;

/** As 64-bit code; it clobbers what it likes but for R13 to R15 and RSP. */
export const sourceOf = (action: PlainAction | KernelAction): string =>
  memorySource(action) ?? processorSource(action) ?? kernelSource(action as KernelAction);

function memorySource(action: PlainAction | KernelAction): string | null {
  switch (action.do) {
    case "write":
      return `mov rax, 0x${action.value}\nmov [${addressOf(action.page, action.offset)}], rax`;
    case "read":
      return `mov rax, [${addressOf(action.page, action.offset)}]\n${FOLD}`;
    case "fill":
      return `mov rax, 0x${action.value}\n${filled(action.page, action.pages)}`;
    case "sum":
      return `mov esi, ${addressOf(action.page)}
        mov ecx, ${(PAGE / 8) * pagesFrom(action.page, action.pages)}
        again: lodsq
        rol r15, 5
        xor r15, rax
        dec ecx
        jnz again`;
    case "copy":
      return `mov esi, ${addressOf(action.from)}
        mov edi, ${addressOf(action.to)}
        mov ecx, ${action.bytes}
        rep movsb`;
    case "exchange":
      return `mov rcx, 0x${action.value}
        mov rax, [${addressOf(action.page)}]
        lock cmpxchg [${addressOf(action.page)}], rcx
        ${FOLD}`;
    case "load":
      return `mov rbx, 0x${action.address}
        xor eax, eax
        mov ${REGISTERS[action.size]}, ${SIZES[action.size]} [rbx]
        ${FOLD}`;
    case "store":
      return `mov rbx, 0x${action.address}
        mov rax, 0x${action.value}
        mov ${SIZES[action.size]} [rbx], ${REGISTERS[action.size]}`;
    default:
      return null;
  }
}

function processorSource(action: PlainAction | KernelAction): string | null {
  switch (action.do) {
    case "in":
      return `xor eax, eax\nmov edx, ${action.port}\nin ${REGISTERS[action.size]}, dx\n${FOLD}`;
    case "out":
      return `mov eax, ${action.value}\nmov edx, ${action.port}\nout dx, ${REGISTERS[action.size]}`;
    case "outs":
      return `mov edx, 0x80
        mov esi, ${addressOf(action.page)}
        mov ecx, ${action.bytes}
        rep outsb
        mov rax, rsi
        ${FOLD}`;
    case "rdmsr":
      return `mov ecx, ${action.msr}\nrdmsr\nshl rdx, 32\nor rax, rdx\n${FOLD}`;
    case "wrmsr":
      return `mov rax, 0x${action.value}
        mov rdx, rax
        shr rdx, 32
        mov ecx, ${action.msr}
        wrmsr`;
    case "control":
      return `mov rax, ${action.register}
        mov ecx, ${action.flip}
        xor rax, rcx
        mov ${action.register}, rax
        mov rax, ${action.register}
        ${FOLD}`;
    case "cpuid":
      return `mov eax, ${action.leaf}\nmov ecx, ${action.subleaf}\ncpuid`;
    case "call":
      return `mov eax, ${action.number}\nmov ebx, ${action.argument}\nvmcall`;
    case "virtualize":
      return `mov eax, ${addressOf(action.page)}
        mov ebx, ${addressOf(action.page)}
        xor ecx, ecx
        ${VIRTUAL[action.instruction]}`;
    case "int":
      return `int ${action.vector}`;
    case "pause":
      return `mov ecx, ${action.count}\nagain: pause\ndec ecx\njnz again`;
    case "spin":
      return `mov ecx, ${action.count}\nagain: dec ecx\njnz again`;
    default:
      return null;
  }
}

function kernelSource(action: KernelAction): string {
  switch (action.do) {
    case "halt":
      // One shot of the timer, and its interrupt.
      return `mov ebx, ${APIC}
        mov dword [rbx+0x320], 0x40
        mov dword [rbx+0x3e0], 0xb
        mov rcx, [r14+${OF_CPU.interrupts}]
        mov dword [rbx+0x380], ${action.ticks}
        again: sti
        hlt
        cli
        cmp rcx, [r14+${OF_CPU.interrupts}]
        jz again
        inc r15`;
    case "signal":
      return `mov ebx, ${APIC}
        mov rcx, [r14+${OF_CPU.interrupts}]
        mov dword [rbx+0x300], ${0x4_4000 + action.vector}
        sti
        again: pause
        cmp rcx, [r14+${OF_CPU.interrupts}]
        jz again
        cli
        mov rax, [r14+${OF_CPU.interrupts}]
        sub rax, rcx
        ${FOLD}`;
    case "map":
      return `mov rax, 0x${(BigInt(addressOf(action.to)) | RIGHTS[action.rights]).toString(16)}
        mov [${ARENA_TABLE + 8 * (action.page % ARENA_PAGES)}], rax
        mov ebx, ${addressOf(action.page)}
        ${FLUSHES[action.flush]}`;
    case "rewrite":
      // mov eax, first; ret, called; then with another number.
      return `mov rax, 0x${codeOfReturn(action.first)}
        mov [${addressOf(action.page, 8)}], rax
        mov ebx, ${addressOf(action.page, 8)}
        call rbx
        ${FOLD}
        mov dword [rbx+1], ${action.second}
        call rbx
        ${FOLD}`;
    case "tell secret":
      return "mov eax, r13d\nmov edx, 0x3f8\nout dx, al";
    case "keep secret":
      return `mov eax, r13d
        mov rcx, rax
        shl rcx, 32
        or rax, rcx
        ${filled(action.page, action.pages)}`;
  }
}

const pagesFrom = (page: number, pages: number): number =>
  Math.min(pages, ARENA_PAGES - (page % ARENA_PAGES));

const filled = (page: number, pages: number): string =>
  `mov edi, ${addressOf(page)}\nmov ecx, ${(PAGE / 8) * pagesFrom(page, pages)}\nrep stosq`;

/** B8 imm32, C3: as a quadword. */
const codeOfReturn = (value: number): string =>
  ((0xc3n << 40n) | (BigInt(value >>> 0) << 8n) | 0xb8n).toString(16);

const assembled = new Map<string, readonly number[]>();

/** Code that works wherever it lies. */
function bytesOf(source: string): readonly number[] {
  const known = assembled.get(source);
  if (known !== undefined) return known;
  const bytes = [...assemble(source, 0n).bytes];
  assembled.set(source, bytes);
  return bytes;
}

const NEXT_BYTES = 8;
const KEEP = `mov [r14+${OF_CPU.kept}], r15`;
const RENEW = `mov r15, [r14+${OF_CPU.kept}]`;
/** A byte of what has been seen so far. */
const PRINT = "mov eax, r15d\nmov edx, 0x3f8\nout dx, al";

/** An action, and behind it, however it came to its end, a byte of what the guest has seen. */
export const pieceOf =
  (action: GuestAction): Piece =>
  (at) => {
    const quiet = isQuiet(action.do === "as user" ? action.action : action);
    const before = quiet ? bytesOf(KEEP) : [];
    const body =
      action.do === "as user"
        ? userBody(action.action, at + NEXT_BYTES + before.length)
        : bytesOf(sourceOf(action));
    const after = bytesOf(quiet ? `${RENEW}\n${PRINT}` : PRINT);
    const next = at + NEXT_BYTES + before.length + body.length;
    // mov qword [r14], next
    return [0x49, 0xc7, 0x46, 0, ...dword(next), ...before, ...body, ...after];
  };

/** To CPL 3 behind the IRET, and back by an interrupt. */
function userBody(action: PlainAction, at: number): readonly number[] {
  const enter = (user: number): readonly number[] =>
    bytesOf(`push ${SELECTORS.userData}
      push ${USER_STACK}
      push 2
      push ${SELECTORS.userCode}
      push ${user}
      iretq`);
  // The length of a push depends on its operand.
  const length = enter(at).length;
  return [...enter(at + length), ...bytesOf(sourceOf(action)), 0xcd, BACK];
}

/** By the exit device, as QEMU's isa-debug-exit. */
export const END: Piece = () => bytesOf("mov al, 3\nout 0xf4, al\nhlt");

/** As a line of a script. */
export function wordsOf(action: GuestAction): string {
  if (action.do === "as user") return `as user: ${wordsOf(action.action)}`;
  const { do: what, ...rest } = action;
  const fields = Object.entries(rest).map(([name, value]) => `${name} ${shown(name, value)}`);
  return [what, ...fields].join(" ");
}

function shown(name: string, value: string | number): string {
  if (typeof value === "string")
    return name === "value" || name === "address" ? `0x${value}` : value;
  return name === "port" || name === "msr" || name === "leaf"
    ? `0x${value.toString(16)}`
    : String(value);
}
