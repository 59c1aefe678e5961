#include "maas_lookup.h"
#include <string.h>

/// The halves of the product, each bit of which depends on many bits of both numbers.
static inline uint64_t mixed(uint64_t a, uint64_t b) {
  unsigned __int128 product = (unsigned __int128)a * b;
  return (uint64_t)(product >> 64) ^ (uint64_t)product;
}

static inline uint64_t hash(maas_text text) {
  const uint64_t first = 0xa0761d6478bd642f, second = 0xd6e8feb86659fd93;
  const unsigned char *bytes = text.bytes;
  uint64_t sum = (uint64_t)text.count * first, words[2];
  if (text.count <= 16) {
    maas_text_words(text, words);
    return mixed(words[0] ^ first, words[1] ^ second ^ sum);
  }
  const unsigned char *last = bytes + text.count - 16;
  for (; bytes < last; bytes += 16)
    sum = mixed(maas_text_load(bytes) ^ first ^ sum, maas_text_load(bytes + 8) ^ second);
  return mixed(maas_text_load(last) ^ first ^ sum, maas_text_load(last + 8) ^ second);
}

uint64_t maas_text_hash(maas_text text) { return hash(text); }

static inline uint64_t f64_word(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return x != x ? (uint64_t)0x7ff8 << 48 : x == 0 ? 0 : bits;
}

uint64_t maas_f64_word(double x) { return f64_word(x); }

static inline uint64_t slot(const maas_key_table *table, uint64_t word, const maas_text *text) {
  // Hashes are mixed already.
  uint64_t i = (text ? word : mixed(word, 0x9e3779b97f4a7c15)) & table->mask;
  while (table->keys[i].place >= 0) {
    if (table->keys[i].word == word && (!text || maas_text_equal(table->texts[table->keys[i].place], *text)))
      break;
    i = (i + 1) & table->mask;
  }
  return i;
}

int64_t maas_lookup(const maas_key_table *table, uint64_t word, const maas_text *text) {
  return (int64_t)slot(table, word, text);
}

#define LOOK_UP(word, text)                                                                                  \
  for (int64_t i = 0; i < n; i++) {                                                                          \
    int64_t place = table->keys[slot(table, word, text)].place;                                              \
    places[i] = place < 0 ? table->missing : place;                                                          \
  }

void maas_lookup_texts(const maas_key_table *table, const maas_text *x, int64_t n, int64_t *places) {
  LOOK_UP(hash(x[i]), x + i)
}

void maas_lookup_f32(const maas_key_table *table, const float *x, int64_t n, int64_t *places) {
  LOOK_UP(f64_word(x[i]), NULL)
}

void maas_lookup_f64(const maas_key_table *table, const double *x, int64_t n, int64_t *places) {
  LOOK_UP(f64_word(x[i]), NULL)
}

void maas_lookup_i64(const maas_key_table *table, const int64_t *x, int64_t n, int64_t *places) {
  LOOK_UP((uint64_t)x[i], NULL)
}

#define TAKE(type)                                                                                           \
  for (int64_t i = 0; i < n; i++)                                                                            \
    ((type *)y)[i] = ((const type *)values)[places[i]];                                                      \
  break;

void maas_take(const void *values, int64_t width, const int64_t *places, int64_t n, void *y) {
  switch (width) {
  case 2:
    TAKE(uint16_t)
  case 4:
    TAKE(uint32_t)
  case 8:
    TAKE(uint64_t)
  case 16:
    TAKE(maas_text)
  default:
    break;
  }
}

void maas_set_rows(const int64_t *places, int64_t n, int64_t columns, float *y) {
  memset(y, 0, (size_t)(n * columns) * sizeof *y);
  for (int64_t i = 0; i < n; i++, y += columns)
    if (places[i] >= 0)
      y[places[i]] = 1;
}
