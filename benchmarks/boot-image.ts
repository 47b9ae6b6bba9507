/**
 * A disk image that enters long mode with identity paging, runs a kernel of src/guests a number of times, prints the
 * answer of the last run to port E9 and turns the machine off: so other simulators run the machine code that ours runs.
 * SDM Vol. 3, "Initializing IA-32e Mode".
 */

import { assemble } from "../src/guests/assembler.ts";
import type { Kernel } from "../src/guests/kernels/kernels.ts";

const SECTOR = 512;
const BOOT_AT = 0x7c00;
const LOADED_AT = 0x1_0000;
/** Of the kernel in what is loaded. */
const KERNEL_OFFSET = 0x1000;
const SECTORS = 64;
/** A hard disk of 16 heads with 63 sectors a track. */
const DISK_SECTORS = 4 * 16 * 63;
export const DISK_CYLINDERS = 4;

/** As the kernels lie and start in our own machine: see src/api/programs.ts. */
const KERNEL_AT = 0x10_0000n;
const DATA_AT = KERNEL_AT + 0x1_0000n;
const STACK_AT = KERNEL_AT + 0xf_0000n;

const [PML4, PDPT, PAGE_DIRECTORY] = [0x9000, 0xa000, 0xb000];
const LARGE_PAGES = 8;
const GDT_OFFSET = 0x1a0;
const PACKET_OFFSET = 0x190;

const word = (value: number): readonly number[] => [value & 0xff, (value >> 8) & 0xff];
const dword = (value: number): readonly number[] => [...word(value), ...word(value >>> 16)];

/** 16-bit code. */
function loader(): readonly number[] {
  const packet = BOOT_AT + PACKET_OFFSET;
  const gdt = BOOT_AT + GDT_OFFSET;
  const far = BOOT_AT + 0x180;
  // biome-ignore format: an instruction a line
  return [
    0x31, 0xc0,                                     // xor ax, ax
    0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0,             // mov ds, ax; mov es, ax; mov ss, ax
    0xbc, ...word(BOOT_AT),                         // mov sp, 7C00
    0xe4, 0x92, 0x0c, 0x02, 0xe6, 0x92,             // A20 by port 92
    0xbe, ...word(packet),                          // mov si, packet
    0xb4, 0x42, 0xb2, 0x80, 0xcd, 0x13,             // INT 13: extended read from the first hard disk
    0x72, 0xfe,                                     // jc itself
    0xfa, 0xfc,                                     // cli; cld
    0xbf, ...word(PML4), 0x31, 0xc0,                // mov di, PML4; xor ax, ax
    0xb9, ...word(0x1800), 0xf3, 0xab,              // three empty tables
    0xc7, 0x06, ...word(PML4), ...word(PDPT | 3),
    0xc7, 0x06, ...word(PDPT), ...word(PAGE_DIRECTORY | 3),
    0x66, 0xb8, ...dword(0x83),                     // mov eax, a large page
    0xbf, ...word(PAGE_DIRECTORY),
    0xb9, ...word(LARGE_PAGES),
    0x66, 0xab, 0x83, 0xc7, 0x04,                   // stosd; add di, 4
    0x66, 0x05, ...dword(0x20_0000),                // add eax, 2 MiB
    0xe2, 0xf3,                                     // loop to stosd
    0x66, 0xb8, ...dword(0x620), 0x0f, 0x22, 0xe0,  // CR4: PAE, OSFXSR, OSXMMEXCPT
    0x66, 0xb8, ...dword(PML4), 0x0f, 0x22, 0xd8,   // CR3
    0x66, 0xb9, ...dword(0xc000_0080), 0x0f, 0x32,  // EFER
    0x66, 0x0d, ...dword(0x100), 0x0f, 0x30,        // LME
    0x0f, 0x01, 0x16, ...word(gdt),                 // lgdt
    0x66, 0xb8, ...dword(0x8000_0033),              // PG, NE, ET, MP, PE
    0x0f, 0x22, 0xc0,                               // CR0
    0xea, ...word(far), ...word(8),                 // jmp 8:far
  ];
}

function bootSector(): Uint8Array {
  const sector = new Uint8Array(SECTOR);
  sector.set(loader());
  // 64-bit: mov eax, LOADED_AT; jmp rax
  sector.set([0xb8, ...dword(LOADED_AT), 0xff, 0xe0], 0x180);
  const from = [...dword(1), ...dword(0)];
  sector.set(
    [0x10, 0, ...word(SECTORS), ...word(0), ...word(LOADED_AT / 16), ...from],
    PACKET_OFFSET,
  );
  const gdt = BOOT_AT + GDT_OFFSET;
  // The limit and base of the table stand in place of its first descriptor.
  sector.set([...word(23), ...dword(gdt), 0, 0], GDT_OFFSET);
  sector.set([0xff, 0xff, 0, 0, 0, 0x9b, 0xaf, 0], GDT_OFFSET + 8);
  sector.set([0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0], GDT_OFFSET + 16);
  sector.set([0x55, 0xaa], 510);
  return sector;
}

const OUT_DX_AL = "db 0xee";
const say = (port: number, text: string): string =>
  [
    `mov edx, ${port}`,
    ...Array.from(text, (letter) => `mov al, ${letter.charCodeAt(0)}\n${OUT_DX_AL}`),
  ].join("\n");

/** Every kernel ends at UD2, whose handler starts it again or ends it all. */
function control(entry: bigint, length: number, runs: number, work: number): string {
  return `
        mov eax, 0x10
        db 0x8e, 0xd0                     ; mov ss, ax
        mov esi, ${LOADED_AT + KERNEL_OFFSET}
        mov edi, ${KERNEL_AT}
        mov ecx, ${length}
        rep movsb
        mov rax, invalid
        mov rdx, gate
        mov word [rdx], ax                ; SDM Vol. 3, "64-Bit Mode IDT"
        mov word [rdx + 2], 8
        mov word [rdx + 4], 0x8e00
        shr rax, 16
        mov word [rdx + 6], ax
        mov rdx, table
        db 0x0f, 0x01, 0x1a               ; lidt [rdx]
        jmp next
invalid: mov rdx, answer
        mov qword [rdx], rax
next:   mov rsp, ${STACK_AT}
        mov rdx, left
        dec qword [rdx]
        js done
        xor eax, eax
        xor ecx, ecx
        xor edx, edx
        xor ebx, ebx
        xor ebp, ebp
        xor r8d, r8d
        xor r9d, r9d
        xor r10d, r10d
        xor r11d, r11d
        xor r12d, r12d
        xor r13d, r13d
        xor r14d, r14d
        mov rsi, ${DATA_AT}
        mov rdi, ${work}
        mov r15, ${entry}
        jmp r15
done:   mov rsi, answer
        mov rdi, 8
        mov edx, 0xe9
.byte:  mov al, byte [rsi]
        ${OUT_DX_AL}
        inc rsi
        dec rdi
        jnz .byte
        mov edx, 0xf4
        ${OUT_DX_AL}                      ; isa-debug-exit of QEMU
        ${say(0x8900, "Shutdown")}
stop:   db 0xf4                           ; HLT
        jmp stop
        align 16
idt:    zero 96
gate:   zero 16
table:  dw 111
        dq idt
left:   dq ${runs}
answer: dq 0`;
}

/** With no runs the machine is only started and turned off. */
export function bootImage(kernel: Kernel, runs: number): Uint8Array {
  const { bytes, labels } = assemble(kernel.source, KERNEL_AT);
  const entry = labels.get("start") ?? KERNEL_AT;
  const code = assemble(control(entry, bytes.length, runs, kernel.work), BigInt(LOADED_AT)).bytes;
  if (code.length > KERNEL_OFFSET || bytes.length > SECTORS * SECTOR - KERNEL_OFFSET) {
    throw new RangeError(`${kernel.name}: too long for the image`);
  }
  const image = new Uint8Array(DISK_SECTORS * SECTOR);
  image.set(bootSector());
  image.set(code, SECTOR);
  image.set(bytes, SECTOR + KERNEL_OFFSET);
  return image;
}
