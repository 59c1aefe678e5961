/// The limits that products are measured against: fused multiply-adds and products of bytes per second of one thread,
/// from registers.
/// limits.py compiles this to a shared library and calls it, once per thread.
#include <pthread.h>
#include <stdint.h>
#include "clock.h"

enum { chains = 12, rounds = 20000 };

/// Independent sums hide the latency; `CHAIN` names the register type, its broadcast and its fma.
#define PEAK(name, isa, vector, set, fma)                                                                    \
  __attribute__((target(isa))) static float name(void) {                                                     \
    vector sums[chains], factor = set(0.5f), term = set(1.0f);                                               \
    for (int c = 0; c < chains; c++)                                                                         \
      sums[c] = set((float)c);                                                                               \
    for (int r = 0; r < rounds; r++) {                                                                       \
      _Pragma("GCC unroll 12") for (int c = 0; c < chains; c++) sums[c] = fma(sums[c], factor, term);        \
      __asm__ volatile("");                                                                                  \
    }                                                                                                        \
    vector total = sums[0];                                                                                  \
    for (int c = 1; c < chains; c++)                                                                         \
      total = total + sums[c];                                                                               \
    return total[0];                                                                                         \
  }

/// The same for sums of products of bytes; `dot` adds those of a register.
#define BYTE_PEAK(name, isa, vector, set, dot)                                                               \
  __attribute__((target(isa))) static float name(void) {                                                     \
    vector sums[chains], left = set(0x01020304), right = set(0x7f010203);                                    \
    for (int c = 0; c < chains; c++)                                                                         \
      sums[c] = set(c);                                                                                      \
    for (int r = 0; r < rounds; r++) {                                                                       \
      _Pragma("GCC unroll 12") for (int c = 0; c < chains; c++) {                                            \
        __asm__ volatile("" : IN_VECTOR(left), IN_VECTOR(right));                                            \
        sums[c] = dot(sums[c], left, right);                                                                 \
      }                                                                                                      \
    }                                                                                                        \
    vector total = sums[0];                                                                                  \
    for (int c = 1; c < chains; c++)                                                                         \
      total = total ^ sums[c];                                                                               \
    return (float)total[0];                                                                                  \
  }

#if defined(__x86_64__)
#define IN_VECTOR(x) "+v"(x)
#include <immintrin.h>
BYTE_PEAK(bytes_vnni, "avx512f,avx512vnni", __m512i, _mm512_set1_epi32, _mm512_dpbusd_epi32)
/// Without the instruction above: two products to 16 bits, two of those to 32.
#define DOT_PAIRS(sum, a, b)                                                                                 \
  _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), _mm256_set1_epi16(1)))
BYTE_PEAK(bytes_avx2, "avx2", __m256i, _mm256_set1_epi32, DOT_PAIRS)
static int bytes_each(void) { return __builtin_cpu_supports("avx512vnni") ? 64 : 32; }
static float bytes_burst(void) { return bytes_each() == 64 ? bytes_vnni() : bytes_avx2(); }
PEAK(peak_avx512, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps)
PEAK(peak_avx2, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps)
static int lanes(void) { return __builtin_cpu_supports("avx512f") ? 16 : 8; }
static float burst(void) { return lanes() == 16 ? peak_avx512() : peak_avx2(); }
#elif defined(__aarch64__)
#define IN_VECTOR(x) "+w"(x)
#include <arm_neon.h>
static inline float32x4_t fma_neon(float32x4_t a, float32x4_t b, float32x4_t c) { return vfmaq_f32(c, a, b); }
PEAK(peak_neon, "+simd", float32x4_t, vdupq_n_f32, fma_neon)
static int lanes(void) { return 4; }
static float burst(void) { return peak_neon(); }
static inline int32x4_t dot_neon(int32x4_t sum, int32x4_t a, int32x4_t b) {
  int8x16_t x = vreinterpretq_s8_s32(a), y = vreinterpretq_s8_s32(b);
  return vpadalq_s16(sum, vmull_s8(vget_low_s8(x), vget_low_s8(y)));
}
BYTE_PEAK(bytes_neon, "+simd", int32x4_t, vdupq_n_s32, dot_neon)
static int bytes_each(void) { return 8; }
static float bytes_burst(void) { return bytes_neon(); }
#endif

enum { passes = 100, tries = 20 };
static _Atomic int ball;

/// Waits for the numbers first, first + 2 … and answers each with the next.
static void answer(int first, int end) {
  for (int i = first; i < end; i += 2) {
    while (ball != i)
      ;
    ball = i + 1;
  }
}

static void *second(void *unused) {
  answer(1, 2 * passes * tries);
  return unused;
}

/// Seconds that a line of the cache takes from one thread to another; the least of some tries, negative where no thread
/// can be had. Virtual CPUs are at one time two threads of a core, at another in different parts of a processor.
double maas_line_seconds(void) {
  pthread_t other;
  ball = 0;
  if (pthread_create(&other, NULL, second, NULL))
    return -1;
  double least = 1;
  for (int t = 0; t < tries; t++) {
    double start = now();
    answer(2 * passes * t, 2 * passes * (t + 1));
    double took = (now() - start) / (2 * passes);
    least = took < least ? took : least;
  }
  pthread_join(other, NULL);
  return least;
}

/// Bursts per second, over about `seconds`.
static double bursts_in(float (*function)(void), double seconds) {
  volatile float sink;
  double start = now(), end;
  int64_t bursts = 0;
  do {
    sink = function();
    bursts++;
    end = now();
  } while (end - start < seconds);
  (void)sink;
  return (double)bursts / (end - start);
}

/// Operations per second, a multiplication and an addition counting as two: of floats, and of bytes with sums of 32
/// bits.
double maas_peak_flops(double seconds) { return bursts_in(burst, seconds) * 2.0 * chains * rounds * lanes(); }
double maas_peak_byte_ops(double seconds) {
  return bursts_in(bytes_burst, seconds) * 2.0 * chains * rounds * bytes_each();
}

/// Memory gives several streams sooner than one.
enum { streams = 4 };
typedef uint64_t half_line __attribute__((vector_size(32), aligned(8)));

/// Bytes read per second from `count` 64-bit words, over about `seconds`.
double maas_peak_read(const uint64_t *words, int64_t count, double seconds) {
  const half_line *halves = (const half_line *)words;
  int64_t part = count * 8 / (int64_t)sizeof(half_line) / streams / 2 * 2, passes = 0;
  volatile uint64_t sink;
  double start = now(), end;
  do {
    half_line even[streams] = {{0}}, odd[streams] = {{0}};
    for (int64_t i = 0; i < part; i += 2) {
      _Pragma("GCC unroll 4") for (int s = 0; s < streams; s++) {
        even[s] += halves[s * part + i];
        odd[s] += halves[s * part + i + 1];
      }
    }
    half_line total = {0};
    for (int s = 0; s < streams; s++)
      total += even[s] + odd[s];
    sink = total[0];
    passes++;
    end = now();
  } while (end - start < seconds);
  (void)sink;
  return (double)passes * (double)(part * streams * (int64_t)sizeof(half_line)) / (end - start);
}
