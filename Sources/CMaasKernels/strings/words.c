/// The parts of texts, and their case.
#include <string.h>
#include "maas_lookup.h"

static int64_t split(maas_text text, const maas_division *division, maas_text *parts) {
  const unsigned char *start = text.bytes, *end = text.count ? start + text.count : start;
  maas_text delimiter = division->delimiter;
  int64_t count = 0;
  while (count < division->limit && start < end) {
    const unsigned char *found =
        memmem(start, (size_t)(end - start), delimiter.bytes, (size_t)delimiter.count);
    if (!found)
      break;
    if (parts)
      parts[count] = (maas_text){start, found - start};
    count++;
    start = found + delimiter.count;
  }
  if (parts)
    parts[count] = (maas_text){start, end - start};
  return count + 1;
}

/// Beyond ASCII, what Unicode calls white space is in six rows of UTF-8.
static bool is_wide_space(const unsigned char *at, const unsigned char *end) {
  if (end - at < 2)
    return false;
  if (at[0] == 0xc2)
    return at[1] == 0x85 || at[1] == 0xa0;
  if (end - at < 3)
    return false;
  switch (at[0] << 8 | at[1]) {
  case 0xe19a:
  case 0xe380:
    return at[2] == 0x80;
  case 0xe280:
    return (at[2] >= 0x80 && at[2] <= 0x8a) || at[2] == 0xa8 || at[2] == 0xa9 || at[2] == 0xaf;
  case 0xe281:
    return at[2] == 0x9f;
  default:
    return false;
  }
}

/// The bytes of the white space at `at`, Unicode's and the separators of ASCII; 0 for anything else.
static inline int space(const unsigned char *at, const unsigned char *end) {
  const uint64_t ascii = 0x1f0003e00; // 9...13, 28...32
  if (*at <= 32)
    return ascii >> *at & 1;
  return *at >= 0xc2 && is_wide_space(at, end) ? (*at == 0xc2 ? 2 : 3) : 0;
}

/// The first white space from `at` on; of eight bytes at once those are passed over that are letters of ASCII.
static const unsigned char *word_end(const unsigned char *at, const unsigned char *end) {
  const uint64_t each = 0x0101010101010101, high = each << 7;
  while (at < end) {
    if (end - at >= 8) {
      uint64_t x = maas_text_load(at), others = ((x - each * 33) | x) & high;
      if (!others) {
        at += 8;
        continue;
      }
      at += __builtin_ctzll(others) / 8;
    }
    if (space(at, end))
      break;
    at++;
  }
  return at;
}

static int64_t split_words(maas_text text, int64_t limit, maas_text *parts) {
  const unsigned char *at = text.bytes, *end = text.count ? at + text.count : at;
  for (int64_t count = 0;; count++) {
    int size;
    while (at < end && (size = space(at, end)))
      at += size;
    if (at == end)
      return count;
    const unsigned char *start = at;
    at = count == limit ? end : word_end(at, end);
    if (parts)
      parts[count] = (maas_text){start, at - start};
  }
}

int64_t maas_text_parts(maas_text text, const maas_division *division) {
  return division->delimiter.count ? split(text, division, NULL) : split_words(text, division->limit, NULL);
}

/// No text of this length has more parts.
static int64_t most_parts(maas_text text, const maas_division *division) {
  int64_t size = division->delimiter.count;
  return size ? text.count / size + 1 : text.count / 2 + 1;
}

int64_t maas_texts_split(const maas_text *texts, int64_t n, const maas_division *division, maas_text *parts,
                         int64_t room, int64_t *counts) {
  for (int64_t i = 0; i < n; i++) {
    if (most_parts(texts[i], division) > room && maas_text_parts(texts[i], division) > room)
      return i;
    counts[i] = division->delimiter.count ? split(texts[i], division, parts)
                                          : split_words(texts[i], division->limit, parts);
    parts += counts[i];
    room -= counts[i];
  }
  return n;
}

void maas_texts_place(const maas_text *texts, int64_t n, const maas_text *parts, const int64_t *counts,
                      int64_t width, maas_text *y, unsigned char *bytes) {
  for (int64_t i = 0; i < n; i++) {
    maas_text_copy(bytes, texts[i]);
    for (int64_t j = 0; j < counts[i]; j++)
      y[j] = (maas_text){bytes + (parts[j].bytes - texts[i].bytes), parts[j].count};
    memset(y + counts[i], 0, (size_t)(width - counts[i]) * sizeof *y);
    y += width;
    parts += counts[i];
    bytes += texts[i].count;
  }
}

/// The scalar at `at` and how many bytes it has; no bytes for what is no UTF-8.
static inline uint32_t scalar(const unsigned char *at, const unsigned char *end, int *size) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  uint32_t value = *at;
  *size = value < 0x80 ? 1 : value < 0xc2 ? 0 : value < 0xe0 ? 2 : value < 0xf0 ? 3 : value < 0xf5 ? 4 : 0;
  if (*size < 2)
    return value;
  if (end - at < *size)
    return *size = 0, value;
  value &= 0x7fu >> *size;
  for (int i = 1; i < *size; i++) {
    if ((at[i] & 0xc0) != 0x80)
      return *size = 0, value;
    value = value << 6 | (at[i] & 0x3f);
  }
  if (value < least[*size] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
    *size = 0;
  return value;
}

/// Changes the case of eight letters of ASCII at once: the sums reach the highest bit of each byte that is at least
/// the first letter, and of each that is behind the last.
static inline uint64_t change_eight(uint64_t x, unsigned char first) {
  const uint64_t each = 0x0101010101010101;
  uint64_t letters = (x + each * (0x80 - first)) & ~(x + each * (0x80 - first - 26)) & each << 7;
  return x ^ letters >> 2;
}

unsigned char *maas_text_change_case(const unsigned char *at, int64_t n, const maas_case_map *map,
                                     unsigned char *to) {
  const unsigned char *end = at + n, first = map->first;
  while (at < end) {
    if (first && end - at >= 8 && !(maas_text_load(at) & 0x8080808080808080)) {
      uint64_t changed = change_eight(maas_text_load(at), first);
      memcpy(to, &changed, 8);
      at += 8, to += 8;
      continue;
    }
    if (first && *at < 0x80) {
      *to++ = (unsigned char)(*at - first) < 26 ? *at ^ 32 : *at;
      at++;
      continue;
    }
    int size;
    uint32_t value = scalar(at, end, &size);
    uint64_t mapped =
        size && value >> 6 < map->block_count ? map->mapped[map->blocks[value >> 6] * 64 + (value & 63)] : 0;
    if (mapped) {
      memcpy(to, &mapped, 8);
      to += mapped >> 56;
      at += size;
    } else {
      do
        *to++ = *at++;
      while (--size > 0);
    }
  }
  return to;
}
