/// Dropout for one instruction set: the compiler's own vectors of 16 counters, which it makes registers of. Included
/// under the target attribute by files that defined MAAS_ISA_SUFFIX and MAAS_TILE.

enum { lanes = 16, block_words = 64 };
typedef uint32_t words __attribute__((vector_size(lanes * 4)));
typedef uint64_t products __attribute__((vector_size(lanes * 8)));

/// *a times a factor: the low half in its place, the high half in *high. By address, as how such vectors are passed
/// depends on the instruction set.
static inline __attribute__((always_inline)) void multiply(words *a, uint32_t factor, words *high) {
  products whole = __builtin_convertvector(*a, products) * (uint64_t)factor;
  *high = __builtin_convertvector(whole >> 32, words);
  *a = __builtin_convertvector(whole, words);
}

/// The words of 16 neighbouring counters.
static inline __attribute__((always_inline)) void philox(words c[4], uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; round++) {
    words high0, high1;
    multiply(&c[0], 0xd2511f53u, &high0);
    multiply(&c[2], 0xcd9e8d57u, &high1);
    words first = high1 ^ c[1] ^ key0, third = high0 ^ c[3] ^ key1;
    c[1] = c[2];
    c[3] = c[0];
    c[0] = first;
    c[2] = third;
    key0 += 0x9e3779b9u;
    key1 += 0xbb67ae85u;
  }
}

static inline __attribute__((always_inline)) void drawn_words(const maas_f32_dropout_params *g, int64_t seed,
                                                              int64_t time, int64_t item, uint32_t *to) {
  const words count = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const words none = {0};
  uint64_t first = (uint64_t)item * lanes; // A multiple of 16: no carry inside.
  words c[4] = {count + (uint32_t)first, none + (uint32_t)(first >> 32), none + (uint32_t)time,
                none + g->stream};
  philox(c, (uint32_t)seed, (uint32_t)((uint64_t)seed >> 32));
  memcpy(to, c, sizeof c);
}

#define MAAS_DROPOUT_TYPE(type)                                                                              \
  static void drop_##type(const uint32_t *drawn, uint32_t threshold, type scale, const type *x, type *y,     \
                          int64_t n) {                                                                       \
    for (int64_t i = 0; i < n; i++)                                                                          \
      y[i] = drawn[i] < threshold ? 0 : x[i] * scale;                                                        \
  }
MAAS_DROPOUT_TYPE(float)
MAAS_DROPOUT_TYPE(double)

/// An item is what 16 counters give the words of.
int32_t MAAS_F32_KERNEL(dropout)(MAAS_STEP_ARGUMENTS) {
  (void)worker;
  const maas_f32_dropout_params *g = step->params;
  int64_t seed = *(const int64_t *)step->operands[1], time = *(const int64_t *)step->operands[2];
  for (int64_t item = begin; item < end; item++) {
    uint32_t drawn[block_words];
    drawn_words(g, seed, time, item, drawn);
    int64_t at = item * block_words, n = maas_min64(block_words, g->n - at);
    if (g->is_double)
      drop_double(drawn, g->threshold, g->scale, (const double *)step->operands[0] + at,
                  (double *)step->operands[3] + at, n);
    else
      drop_float(drawn, g->threshold, (float)g->scale, (const float *)step->operands[0] + at,
                 (float *)step->operands[3] + at, n);
  }
  return MAAS_STEP_OK;
}
