#ifndef ROWS_H
#define ROWS_H
/// A case: parameters, what its operands look like, and how near a row must come to the exact result.
#include "fence.h"
#include "maas_kernel_tables.h"

enum { operand_limit = 8 };

typedef enum role {
  ABSENT,  ///< NULL
  FLOATS,  ///< float, between low and high
  SPECIAL, ///< The same with a NaN and an infinity among them.
  BITS,    ///< float of any bit pattern; then low and high for the second half
  COUNTS,  ///< int32: 1, 2, 3, ...
  INDICES, ///< int64
  PACKED,  ///< What `pack` makes of the FLOATS that stand here.
} role;

typedef struct operand {
  role role;
  bool written;
  size_t count;
  float low, high;
} operand;

typedef struct kernel_case {
  const char *table;
  char note[96];
  const void *params;
  size_t params_size;
  operand operands[operand_limit];
  double tolerance; ///< Of max(scale, |expected|); integers must be equal.
  double scale;
  /// The operand at `onto` may also be given at the address of the first written one; -1: none may.
  int onto;
  /// Fills the first written operand's exact values and how far a row may be off. NULL: the portable row is
  /// right.
  void (*exact)(const struct kernel_case *c, void *const *operands, double *expected, double *allowed);
  maas_split (*split)(const maas_kernel *row, void *params);
  /// Replaces the PACKED operand by the layout that the row reads.
  fenced (*pack)(const struct kernel_case *c, const maas_kernel *row, const fenced *plain);
} kernel_case;

/// Runs the case on every row that this CPU has: whole and in pieces, with its operands at either end of
/// their page, and in place.
void check(const kernel_case *c);
/// Counts a check of a row; NULL: there was no problem.
void count(const char *row, const char *note, const char *problem);
const maas_kernel_table *table_named(const char *name);

/// Runs a row in two pieces.
int32_t run_row(maas_step_run row, const void *params, void *const *operands, maas_split split);

/// For every row of a table that this CPU has.
void each_row(const char *family, void (*body)(const maas_kernel *row));

fenced random_bytes(size_t size, uint64_t *random);
/// Weights within `limit` of 0 or, of unsigned bytes, of 128. Within rarely_large a few are as large as they can be.
enum { rarely_large = 40 };
void draw_weights(fenced *b, int limit, bool is_signed, uint64_t *random);
fenced random_floats(size_t count, float low, float high, uint64_t *random);
fenced random_integers(size_t count, uint64_t *random);
/// Element i of bytes, and of floats.
int number(const fenced *bytes, int64_t i, bool is_signed);
double real(const fenced *floats, int64_t i);
/// Gives a product that makes bytes its operands for that; with a residual of bytes of as many elements, if any.
void choose_bytes(fenced *operands, size_t columns, uint64_t *random);
/// Whether byte `at` of Y, of this column, is what the exact number becomes.
bool is_byte(const maas_s8_finish *f, const fenced *operands, int64_t at, int64_t column, double exact);

void check_elementwise(void);
void check_products(void);
void check_doubles(void);
void check_panels(void);
void check_windows(void);
void check_along(void);
void check_integers(void);
void check_quantizers(void);
void check_blocks(void);
void check_nhwc(void);
void check_byte_convolutions(void);
void check_training(void);
void check_updates(void);
void check_packing(void);

#endif
