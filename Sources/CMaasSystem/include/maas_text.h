#ifndef MAAS_TEXT_H
#define MAAS_TEXT_H
/// Strings as tensors hold them. Most are short: what has up to 16 bytes is moved and compared in two words.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// An element of a tensor of strings.
typedef struct maas_text {
  const unsigned char *bytes;
  int64_t count;
} maas_text;

static inline uint64_t maas_text_load(const unsigned char *bytes) {
  uint64_t word;
  __builtin_memcpy(&word, bytes, sizeof word);
  return word;
}

static inline uint32_t maas_text_load_half(const unsigned char *bytes) {
  uint32_t word;
  __builtin_memcpy(&word, bytes, sizeof word);
  return word;
}

/// The bytes of a text of at most 16, which no other text of that many bytes has.
static inline void maas_text_words(maas_text text, uint64_t words[2]) {
  const unsigned char *bytes = text.bytes;
  int64_t n = text.count;
  words[0] = words[1] = 0;
  if (n >= 8) {
    words[0] = maas_text_load(bytes);
    words[1] = maas_text_load(bytes + n - 8);
  } else if (n >= 4) {
    words[0] = maas_text_load_half(bytes);
    words[1] = maas_text_load_half(bytes + n - 4);
  } else if (n > 0) {
    words[0] = (uint64_t)bytes[0] << 16 | (uint64_t)bytes[n / 2] << 8 | bytes[n - 1];
  }
}

static inline bool maas_text_equal(maas_text a, maas_text b) {
  if (a.count != b.count)
    return false;
  if (a.count > 16)
    return __builtin_memcmp(a.bytes, b.bytes, (size_t)a.count) == 0;
  uint64_t x[2], y[2];
  maas_text_words(a, x);
  maas_text_words(b, y);
  return x[0] == y[0] && x[1] == y[1];
}

/// Puts the bytes of the text at `to`.
static inline void maas_text_copy(unsigned char *to, maas_text text) {
  uint64_t words[2];
  size_t n = (size_t)text.count;
  if (n > 16) {
    __builtin_memcpy(to, text.bytes, n);
  } else if (n >= 8) {
    maas_text_words(text, words);
    __builtin_memcpy(to, &words[0], 8);
    __builtin_memcpy(to + n - 8, &words[1], 8);
  } else {
    for (size_t i = 0; i < n; i++)
      to[i] = text.bytes[i];
  }
}

/// Puts the bytes of n texts one after the other at `bytes`, and at `copies` where they are then.
void maas_texts_copy(maas_text *copies, unsigned char *bytes, const maas_text *texts, int64_t n);

/// How many bytes n texts have; INT64_MAX for more than that.
int64_t maas_texts_size(const maas_text *texts, int64_t n);

#endif
