#ifndef MAAS_LOOKUP_H
#define MAAS_LOOKUP_H
/// Finding words and texts in hash tables, the parts of texts, changing their case, and rectangles that overlap.
#include "maas_kernels.h"
#include "maas_text.h"

#ifdef __cplusplus
extern "C" {
#endif

/// An entry of an open-addressed table whose size is a power of two, at most a quarter full.
typedef struct maas_key {
  uint64_t word;
  int64_t place; ///< -1: nothing is here.
} maas_key;

/// A table, and the keys by their places where they are texts, whose words are hashes.
typedef struct maas_key_table {
  const maas_key *keys;
  uint64_t mask; ///< Entries less one.
  const maas_text *texts;
  int64_t missing; ///< What stands for the place of what is no key.
} maas_key_table;

/// A number that few other texts share.
uint64_t maas_text_hash(maas_text text);

/// What stands for a number in a table: the same for all that compare equal, and for every NaN.
uint64_t maas_f64_word(double x);

/// The entry of a word, or where it would go; of a text where `text` is not NULL.
int64_t maas_lookup(const maas_key_table *table, uint64_t word, const maas_text *text);

/// The places of n elements.
void maas_lookup_texts(const maas_key_table *table, const maas_text *x, int64_t n, int64_t *places);
void maas_lookup_f32(const maas_key_table *table, const float *x, int64_t n, int64_t *places);
void maas_lookup_f64(const maas_key_table *table, const double *x, int64_t n, int64_t *places);
void maas_lookup_i64(const maas_key_table *table, const int64_t *x, int64_t n, int64_t *places);

/// Puts the elements of `values` at n places, of 2, 4, 8 or 16 bytes, one after the other at `y`.
void maas_take(const void *values, int64_t width, const int64_t *places, int64_t n, void *y);

/// Writes n rows with one at the place, if that is none below 0, and zeros elsewhere.
void maas_set_rows(const int64_t *places, int64_t n, int64_t columns, float *y);

/// Where in a row of n floats the value first stands, or a NaN before it; n if nowhere.
int64_t maas_f32_first(const float *x, int64_t n, float value);

/// Where it last stands; -1 if nowhere.
int64_t maas_f32_last(const float *x, int64_t n, float value);

/// The first element that, times the sign 1 or -1, is not below the limit or equal to it, as a NaN is not; n if there
/// is none.
int64_t maas_f32_first_beyond(const float *x, int64_t n, float limit, float sign);

/// For each of `width` columns the row with the largest element, or with sign -1 the smallest; the first NaN where
/// there is one. Rows are `apart` elements apart, and at most INT32_MAX.
void maas_f32_best_rows(const float *x, int64_t rows, int64_t apart, int64_t width, float sign,
                        bool takes_last, int64_t *y);

/// y[i, j] = x[i, j] + y[i - 1, j] with rows `apart` elements apart, forwards or backwards; there is a row -1 of y.
void maas_f32_running_sums(const float *x, float *y, int64_t rows, int64_t apart, int64_t width);

/// A rectangle by its corners.
typedef struct maas_box {
  float low_x, low_y, high_x, high_y, area;
} maas_box;

/// Rectangles, number by number.
typedef struct maas_boxes {
  float *low_x, *low_y, *high_x, *high_y, *area;
} maas_boxes;

/// Whether what one of the first n boxes has in common with `one` is more than `limit` of both together.
bool maas_boxes_overlap(const maas_boxes *boxes, int64_t n, maas_box one, float limit);

/// How texts are divided: between delimiters, at least into one part, or into words between white space where the
/// delimiter is empty. After `limit` delimiters or words the rest is one part, white space at its end included.
typedef struct maas_division {
  maas_text delimiter;
  int64_t limit;
} maas_division;

/// How many parts a text has.
int64_t maas_text_parts(maas_text text, const maas_division *division);

/// Divides up to n texts, while there is room for the parts of the next one. Says how many texts that were; adds
/// the parts of each to `counts`.
int64_t maas_texts_split(const maas_text *texts, int64_t n, const maas_division *division, maas_text *parts,
                         int64_t room, int64_t *counts);

/// Puts the bytes of n texts one after the other at `bytes`, and their parts in rows of `width` at `y`, filled up with
/// empty texts.
void maas_texts_place(const maas_text *texts, int64_t n, const maas_text *parts, const int64_t *counts,
                      int64_t width, maas_text *y, unsigned char *bytes);

/// A mapping of scalars: for each block of 64 scalars the block of `mapped` that is about them, block 0 for those that
/// nothing happens to. An element is 0, or UTF-8 from its lowest byte on and the number of bytes in its highest.
typedef struct maas_case_map {
  const uint16_t *blocks;
  int64_t block_count;
  const uint64_t *mapped;
  unsigned char first; ///< The first of ASCII's letters that change; 0: ASCII is in the mapping, too.
} maas_case_map;

/// Maps n bytes, which are whole characters, and gives the end of what is written: at most 3 bytes for each, and up
/// to 8 more are touched. Bytes that are no UTF-8 stay.
unsigned char *maas_text_change_case(const unsigned char *bytes, int64_t n, const maas_case_map *map,
                                     unsigned char *to);

#ifdef __cplusplus
}
#endif
#endif
