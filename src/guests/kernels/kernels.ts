/**
 * Small programs of ordinary user code, to measure engines and to hold them to known answers. Each is entered at
 * `start` with RDI = how much to do, RSI = free memory, RSP = a stack, leaves its answer in RAX and ends at UD2.
 */

import type { Kernel } from "./kernel.ts";
import { sha256 } from "./sha256.ts";

export type { Kernel };

const alu: Kernel = {
  name: "alu",
  about: "register arithmetic in a loop",
  work: 3_000_000,
  source: `
start:  mov rax, 1
        mov rdx, 0x123456789abcdef
        xor rbx, rbx
.loop:  add rax, rdx
        xor rbx, rax
        ror rbx, 7
        sub rdx, rbx
        and rbx, 0x7fffffff
        lea rax, [rax + 4*rbx + 11]
        imul rbx, rax
        or rbx, 1
        dec rdi
        jnz .loop
        add rax, rbx
        ud2`,
};

const sieve: Kernel = {
  name: "sieve",
  about: "sieve of Eratosthenes over 32 KiB of bytes; counts the primes",
  work: 40,
  source: `
start:  mov r8, rdi
.round: mov rdi, rsi            ; clear
        mov rcx, 4096
        xor rax, rax
        rep stosq
        xor r9, r9              ; primes
        mov rbx, 2
.next:  cmp byte [rsi + rbx], 0
        jnz .skip
        inc r9
        lea rdx, [rbx + rbx]
.mark:  cmp rdx, 32768
        jnb .skip
        mov byte [rsi + rdx], 1
        add rdx, rbx
        jmp .mark
.skip:  inc rbx
        cmp rbx, 32768
        jb .next
        dec r8
        jnz .round
        mov rax, r9
        ud2`,
};

const fib: Kernel = {
  name: "fib",
  about: "Fibonacci by recursion: calls, returns, pushes and pops",
  work: 26,
  source: `
start:  call fib
        ud2
fib:    cmp rdi, 2
        jnb .deep
        mov rax, rdi
        ret
.deep:  push rbx
        push rdi
        dec rdi
        call fib
        mov rbx, rax
        pop rdi
        sub rdi, 2
        call fib
        add rax, rbx
        pop rbx
        ret`,
};

const crc: Kernel = {
  name: "crc",
  about: "CRC-32 by table over 4 KiB of bytes",
  work: 150,
  source: `
start:  xor rcx, rcx            ; table of 256 words at rsi
.entry: mov eax, ecx
        mov edx, 8
.bit:   mov ebx, eax
        and ebx, 1
        neg ebx
        and ebx, 0xedb88320
        shr eax, 1
        xor eax, ebx
        dec edx
        jnz .bit
        mov [rsi + 4*rcx], eax
        inc rcx
        cmp rcx, 256
        jnz .entry
        xor rcx, rcx            ; bytes i * 7 at rsi + 1024
.fill:  lea rax, [rcx + 2*rcx]
        lea rax, [rax + 4*rcx]
        mov [rsi + rcx + 1024], al
        inc rcx
        cmp rcx, 4096
        jnz .fill
        mov eax, -1
.round: xor rcx, rcx
.byte:  movzx edx, byte [rsi + rcx + 1024]
        movzx ebx, al
        xor edx, ebx
        shr eax, 8
        xor eax, [rsi + 4*rdx]
        inc rcx
        cmp rcx, 4096
        jnz .byte
        dec rdi
        jnz .round
        not eax
        ud2`,
};

const bytecode: Kernel = {
  name: "bytecode",
  about: "an interpreter of byte code: indirect jumps through a table",
  work: 300_000,
  source: `
start:  xor rax, rax
        mov rbx, 3
        mov r8, table
        mov r9, program
        mov r10, r9
.next:  movzx edx, byte [r10]
        inc r10
        jmp qword [r8 + 8*rdx]
op_add: add rax, rbx
        jmp .next2
op_mul: lea rax, [rax + 2*rax]
        jmp .next2
op_xor: xor rax, rbx
        jmp .next2
op_inc: inc rbx
.next2: movzx edx, byte [r10]
        inc r10
        jmp qword [r8 + 8*rdx]
op_end: mov r10, r9
        dec rdi
        jnz .next2
        ud2
program: db 0, 3, 1, 2, 0, 0, 3, 2, 1, 4
        align 8
table:  dq op_add, op_mul, op_xor, op_inc, op_end`,
};

const quicksort: Kernel = {
  name: "quicksort",
  about: "quicksort of pseudo-random 64-bit words, and a check that they are in order",
  work: 20_000,
  source: `
start:  mov r8, rdi
        mov r9, rsi
        mov rax, 12345
        mov r10, 6364136223846793005
        xor rcx, rcx
.fill:  imul rax, r10
        add rax, 1442695
        mov rdx, rax
        shr rdx, 16
        mov [r9 + 8*rcx], rdx
        inc rcx
        cmp rcx, r8
        jnz .fill
        xor rdi, rdi            ; lowest and highest index
        lea rsi, [r8 - 1]
        call sort
        xor rcx, rcx            ; sum of i * word, 0 when out of order
        xor rax, rax
        xor rdx, rdx
.check: mov rbx, [r9 + 8*rcx]
        cmp rbx, rdx
        jb .wrong
        mov rdx, rbx
        imul rbx, rcx
        add rax, rbx
        inc rcx
        cmp rcx, r8
        jnz .check
        ud2
.wrong: xor rax, rax
        ud2
sort:   cmp rdi, rsi
        jnl .done
        lea rax, [rdi + rsi]
        shr rax, 1
        mov rdx, [r9 + 8*rax]   ; pivot
        mov rbx, rdi
        mov rcx, rsi
.up:    cmp [r9 + 8*rbx], rdx
        jnb .down
        inc rbx
        jmp .up
.down:  cmp [r9 + 8*rcx], rdx
        jbe .meet
        dec rcx
        jmp .down
.meet:  cmp rbx, rcx
        jnle .split
        mov rax, [r9 + 8*rbx]
        mov r11, [r9 + 8*rcx]
        mov [r9 + 8*rbx], r11
        mov [r9 + 8*rcx], rax
        inc rbx
        dec rcx
        cmp rbx, rcx
        jle .up
.split: push rsi
        push rbx
        mov rsi, rcx
        call sort
        pop rdi
        pop rsi
        jmp sort
.done:  ret`,
};

const copy: Kernel = {
  name: "copy",
  about: "REP MOVSQ and REP MOVSB of 4 KiB",
  work: 400,
  source: `
start:  mov r8, rdi
        mov r9, rsi
        mov rcx, 4096
        xor rax, rax
.fill:  mov [rsi + rcx - 1], cl
        loop .fill
.round: mov rsi, r9
        lea rdi, [r9 + 8192]
        mov rcx, 512
        rep movsq
        mov rsi, r9
        lea rdi, [r9 + 12289]
        mov rcx, 4096
        rep movsb
        dec r8
        jnz .round
        mov rax, [r9 + 12288 + 4089]
        ud2`,
};

const floating: Kernel = {
  name: "sse2",
  about: "double-precision arithmetic, scalar and packed: a sum of reciprocals and a logistic map",
  work: 300_000,
  source: `
start:  mov rax, 0x3ff0000000000000     ; 1.0
        movq xmm7, rax
        mov rax, 0x400e000000000000     ; 3.75
        movq xmm6, rax
        movapd xmm5, xmm7               ; two maps, begun at 1 / 2 and 1 / 4
        mov rax, 0x3fe0000000000000
        movq xmm4, rax
        mov rax, 0x3fd0000000000000
        movq xmm3, rax
        unpcklpd xmm4, xmm3
        unpcklpd xmm5, xmm5
        unpcklpd xmm6, xmm6
        xorpd xmm0, xmm0                ; the sum
        movapd xmm1, xmm7               ; 1, 2, 3 ...
.loop:  movapd xmm2, xmm1
        mulsd xmm2, xmm1
        movapd xmm3, xmm7
        divsd xmm3, xmm2
        addsd xmm0, xmm3
        addsd xmm1, xmm7
        movapd xmm2, xmm5
        subpd xmm2, xmm4
        mulpd xmm4, xmm6
        mulpd xmm4, xmm2
        dec rdi
        jnz .loop
        addsd xmm0, xmm4
        movhlps xmm4, xmm4
        addsd xmm0, xmm4
        movq rax, xmm0
        ud2`,
};

export const KERNELS: readonly Kernel[] = [
  alu,
  sieve,
  fib,
  crc,
  bytecode,
  quicksort,
  sha256,
  copy,
  floating,
];
