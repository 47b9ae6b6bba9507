/**
 * SHA-256 (FIPS 180-4, "SHA-256 Computation") of RDI blocks of 64 bytes, each byte 0x61, with the padding: rotations,
 * byte swaps and additions of 32 bits. Leaves the first 8 bytes of the digest, big endian, in RAX.
 */

import type { Kernel } from "./kernel.ts";

/** FIPS 180-4, "SHA-224 and SHA-256 Constants". */
const K = `
        dd 0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5
        dd 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174
        dd 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da
        dd 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967
        dd 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85
        dd 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070
        dd 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3
        dd 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2`;

/** The schedule lies at RSI, the hash at RSI + 256, a block at RSI + 512. */
export const sha256: Kernel = {
  name: "sha256",
  about: "SHA-256: rotations, byte swaps and additions of 32 bits",
  work: 1500,
  source: `
start:  push rdi
        mov rbx, initial
        xor rcx, rcx
.init:  mov eax, [rbx + 4*rcx]
        mov [rsi + 4*rcx + 256], eax
        inc rcx
        cmp rcx, 8
        jnz .init
        mov rcx, 64
.fill:  mov byte [rsi + rcx + 511], 0x61
        loop .fill
.block: call compress
        dec rdi
        jnz .block
        mov rcx, 64
.clear: mov byte [rsi + rcx + 511], 0
        loop .clear
        mov byte [rsi + 512], 0x80
        pop rax
        shl rax, 9
        bswap rax
        mov [rsi + 568], rax
        call compress
        mov eax, [rsi + 256]
        shl rax, 32
        mov ecx, [rsi + 260]
        or rax, rcx
        ud2
compress:
        push rdi
        xor rcx, rcx
.load:  mov eax, [rsi + 4*rcx + 512]
        bswap eax
        mov [rsi + 4*rcx], eax
        inc rcx
        cmp rcx, 16
        jnz .load
.sched: mov eax, [rsi + 4*rcx - 60]
        mov edx, eax
        mov ebx, eax
        ror eax, 7
        ror edx, 18
        shr ebx, 3
        xor eax, edx
        xor eax, ebx
        mov edx, [rsi + 4*rcx - 8]
        mov ebx, edx
        mov ebp, edx
        ror edx, 17
        ror ebx, 19
        shr ebp, 10
        xor edx, ebx
        xor edx, ebp
        add eax, edx
        add eax, [rsi + 4*rcx - 28]
        add eax, [rsi + 4*rcx - 64]
        mov [rsi + 4*rcx], eax
        inc rcx
        cmp rcx, 64
        jnz .sched
        mov r8d, [rsi + 256]
        mov r9d, [rsi + 260]
        mov r10d, [rsi + 264]
        mov r11d, [rsi + 268]
        mov r12d, [rsi + 272]
        mov r13d, [rsi + 276]
        mov r14d, [rsi + 280]
        mov r15d, [rsi + 284]
        mov rdi, constants
        xor rcx, rcx
.round: mov eax, r12d
        mov edx, r12d
        mov ebx, r12d
        ror eax, 6
        ror edx, 11
        ror ebx, 25
        xor eax, edx
        xor eax, ebx
        add eax, r15d
        mov edx, r12d
        mov ebx, r12d
        and edx, r13d
        not ebx
        and ebx, r14d
        xor edx, ebx
        add eax, edx
        add eax, [rdi + 4*rcx]
        add eax, [rsi + 4*rcx]
        mov edx, r8d
        mov ebx, r8d
        mov ebp, r8d
        ror edx, 2
        ror ebx, 13
        ror ebp, 22
        xor edx, ebx
        xor edx, ebp
        mov ebx, r8d
        and ebx, r9d
        mov ebp, r8d
        and ebp, r10d
        xor ebx, ebp
        mov ebp, r9d
        and ebp, r10d
        xor ebx, ebp
        add edx, ebx
        mov r15d, r14d
        mov r14d, r13d
        mov r13d, r12d
        lea r12d, [r11 + rax]
        mov r11d, r10d
        mov r10d, r9d
        mov r9d, r8d
        lea r8d, [rax + rdx]
        inc rcx
        cmp rcx, 64
        jnz .round
        add [rsi + 256], r8d
        add [rsi + 260], r9d
        add [rsi + 264], r10d
        add [rsi + 268], r11d
        add [rsi + 272], r12d
        add [rsi + 276], r13d
        add [rsi + 280], r14d
        add [rsi + 284], r15d
        pop rdi
        ret
        align 8
initial:
        dd 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
constants: ${K.trimStart()}`,
};
