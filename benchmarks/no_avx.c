/* Makes an x86-64 processor look like an Atom of the DeepRacer's generation (Goldmont, 06_5C: SSE4.2, no AVX)
   to the program that loads this library, at native speed:

       gcc -O2 -shared -fPIC -o no_avx.so benchmarks/no_avx.c
       LD_PRELOAD=./no_avx.so python -m benchmarks.edge

   Linux lets a process ask for a fault on each CPUID (arch_prctl(2), ARCH_SET_CPUID), where the processor can
   ("cpuid_fault" in /proc/cpuinfo); the handler answers with the real values, less what Goldmont lacks. What
   the C library chose before this was loaded (memcpy) stays as it was. */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <cpuid.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef ARCH_SET_CPUID
#define ARCH_SET_CPUID 0x1012
#endif

static struct sigaction before;

static void faulting(int on) { syscall(SYS_arch_prctl, ARCH_SET_CPUID, on ? 0UL : 1UL); }

static void answer(uint32_t leaf, uint32_t sub, uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d) {
    faulting(0);
    __cpuid_count(leaf, sub, *a, *b, *c, *d);
    faulting(1);
    if (leaf == 0 && *a > 0x15) *a = 0x15;
    if (leaf == 1) {
        *a = 0x000506C9; /* family 6, model 5C */
        /* FMA 12, PCID 17, x2APIC 21, XSAVE 26, OSXSAVE 27, AVX 28, F16C 29 */
        *c &= ~((1u << 12) | (1u << 17) | (1u << 26) | (1u << 27) | (1u << 28) | (1u << 29));
    }
    if (leaf == 7) {
        if (sub != 0) *a = *b = *c = *d = 0;
        else {
            *a = 0;
            *b &= (1u << 0) | (1u << 7) | (1u << 9) | (1u << 18) | (1u << 29); /* FSGSBASE SMEP ERMS RDSEED SHA */
            *c = 0;
            *d = 0;
        }
    }
    if (leaf == 0xD || leaf == 0x14 || (leaf > 0x15 && leaf < 0x80000000u)) *a = *b = *c = *d = 0;
    if (leaf == 0x80000001u) *c &= 0x101; /* LAHF and PREFETCHW stay; LZCNT, XOP, FMA4 and TBM go */
}

static void on_fault(int number, siginfo_t *info, void *context) {
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    const unsigned char *code = (const unsigned char *)r[REG_RIP];
    if (info->si_code == SI_KERNEL && code[0] == 0x0F && code[1] == 0xA2) {
        uint32_t a, b, c, d;
        answer((uint32_t)r[REG_RAX], (uint32_t)r[REG_RCX], &a, &b, &c, &d);
        r[REG_RAX] = a;
        r[REG_RBX] = b;
        r[REG_RCX] = c;
        r[REG_RDX] = d;
        r[REG_RIP] += 2;
        return;
    }
    sigaction(SIGSEGV, &before, NULL); /* a real fault: it comes again, to whoever handled it before */
}

__attribute__((constructor)) static void begin(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    sigaction(SIGSEGV, &action, &before);
    faulting(1); /* threads that are made later inherit it */
}
