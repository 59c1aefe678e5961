#ifndef MAAS_KERNELS_H
#define MAAS_KERNELS_H
/// The C kernels a plan calls. Every entry is a maas_step_run: it reads step->operands in the order given
/// beside it, its parameters from step->params, and does work items [begin, end).
///
/// Rules that hold for all of them:
/// - The split of the items never changes a bit of the result, and no reduction is ever split over items.
/// - Nothing is read before or after an operand; operands need only the alignment of their element type.
/// - No allocation, no threads; MAAS_STEP_OK is the only result unless the entry says otherwise.
/// - Shapes are trusted: the caller has checked that the parameters fit the operands. Zero sizes are fine.
/// - An output may be the same address as an input only where the entry says "in place".
/// - Strides and offsets count elements. Tensors without strides are contiguous and row-major.
///
/// Before a step is emitted its `..._split` function tells items, grain and scratch; where it takes a
/// non-const pointer it also normalises the parameters and sets those marked "set by split". It depends on
/// the parameters and on the CPU, never on the number of threads.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "maas_step.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MAAS_MAX_RANK 8
#define MAAS_MAX_BATCH_RANK 6
#define MAAS_SPATIAL_RANK 3

/// How a step is shared among threads: the values of the maas_step fields of the same names.
typedef struct maas_split {
  int64_t items;
  int64_t grain;
  int64_t scratch;
} maas_split;

// Unary, element-wise

/// y = op(x). Parameters are named as ONNX names the attributes, with ONNX's formulas.
typedef enum maas_unary {
  MAAS_UNARY_IDENTITY = 0,
  MAAS_UNARY_RELU,
  MAAS_UNARY_LEAKY_RELU,       ///< alpha
  MAAS_UNARY_THRESHOLDED_RELU, ///< alpha
  MAAS_UNARY_CLIP,             ///< alpha = min, beta = max; both set (use -inf, +inf)
  MAAS_UNARY_ABS,
  MAAS_UNARY_NEG,
  MAAS_UNARY_SIGN,
  MAAS_UNARY_RECIPROCAL,
  MAAS_UNARY_SQRT,
  MAAS_UNARY_SQUARE,
  MAAS_UNARY_FLOOR,
  MAAS_UNARY_CEIL,
  MAAS_UNARY_ROUND, ///< half to even
  MAAS_UNARY_EXP,
  MAAS_UNARY_LOG,
  MAAS_UNARY_ERF,
  MAAS_UNARY_TANH,
  MAAS_UNARY_SIGMOID,
  MAAS_UNARY_HARD_SIGMOID, ///< alpha, beta
  MAAS_UNARY_HARD_SWISH,
  MAAS_UNARY_ELU,  ///< alpha
  MAAS_UNARY_SELU, ///< alpha, beta = gamma
  MAAS_UNARY_CELU, ///< alpha
  MAAS_UNARY_SOFTPLUS,
  MAAS_UNARY_SOFTSIGN,
  MAAS_UNARY_GELU,      ///< x/2 (1 + erf(x / sqrt 2))
  MAAS_UNARY_GELU_TANH, ///< x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
  MAAS_UNARY_SILU,      ///< x sigmoid(alpha x); alpha = 1 gives SiLU
  MAAS_UNARY_MISH,
  MAAS_UNARY_AFFINE,      ///< alpha x + beta
  MAAS_UNARY_SCALED_TANH, ///< alpha tanh(beta x)
  MAAS_UNARY_SHRINK,      ///< x < -alpha ? x + beta : x > alpha ? x - beta : 0
  MAAS_UNARY_SIN,
  MAAS_UNARY_COS,
  MAAS_UNARY_TAN,
  MAAS_UNARY_ASIN,
  MAAS_UNARY_ACOS,
  MAAS_UNARY_ATAN,
  MAAS_UNARY_SINH,
  MAAS_UNARY_COSH,
  MAAS_UNARY_ASINH,
  MAAS_UNARY_ACOSH,
  MAAS_UNARY_ATANH,
  MAAS_UNARY_COUNT
} maas_unary;

/// A unary function with its parameters; as `activation` of another kernel it is applied to what that kernel
/// would have stored, while still in cache. All zero means none.
typedef struct maas_f32_activation {
  maas_unary op;
  float alpha;
  float beta;
} maas_f32_activation;

typedef struct maas_f32_unary_params {
  maas_f32_activation function;
  int64_t n;
} maas_f32_unary_params;

/// x[n], y[n]. In place. NaN propagates. At most 4 ulp from the exact value; HardSigmoid, HardSwish, Gelu,
/// SiLU, Mish and affine, which may cancel or multiply: at most 2^-22 max(1, |x|, |exact|).
int32_t maas_f32_unary(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_unary_split(const maas_f32_unary_params *params);

// Binary, element-wise, with broadcasting

typedef enum maas_binary {
  MAAS_BINARY_ADD = 0,
  MAAS_BINARY_SUB,
  MAAS_BINARY_MUL,
  MAAS_BINARY_DIV,
  MAAS_BINARY_MIN, ///< NaN if either is
  MAAS_BINARY_MAX, ///< NaN if either is
  MAAS_BINARY_POW,
  MAAS_BINARY_PRELU, ///< a < 0 ? a b : a
  MAAS_BINARY_COUNT
} maas_binary;

typedef struct maas_f32_binary_params {
  maas_binary op;
  int32_t rank; ///< 0 ... MAAS_MAX_RANK; split drops and merges dimensions.
  int64_t dims[MAAS_MAX_RANK];
  int64_t a_strides[MAAS_MAX_RANK]; ///< 0 where a is broadcast.
  int64_t b_strides[MAAS_MAX_RANK];
  maas_f32_activation activation;
} maas_f32_binary_params;

/// a, b, y. y is contiguous of shape dims. In place with an operand that is not broadcast.
int32_t maas_f32_binary(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_binary_split(maas_f32_binary_params *params);

// Matrix product

/// How B lies. Elements of 16 bits are widened as they are used, which is exact.
typedef enum maas_gemm_b {
  MAAS_GEMM_B_PACKED = 0, ///< By maas_f32_gemm_pack.
  MAAS_GEMM_B_PACKED_F16,
  MAAS_GEMM_B_PACKED_BF16,
  MAAS_GEMM_B_PLAIN, ///< B[p,j] = b[p b_row + j b_col].
} maas_gemm_b;

/// Takes whole panels of a tile of Y: `n` elements, which lie at `y` until it returns, to be changed as it likes, and
/// begin `at` elements behind Y's first one.
typedef void maas_gemm_take(const maas_step *step, int64_t at, float *y, int64_t n);

/// The most operands that what takes Y wants.
#define MAAS_GEMM_WANTED 3

/// Y = activation(alpha A B + beta C + R), batched. A[i,p] = a[i a_row + p a_col] (a_row = lda and a_col = 1,
/// or the other way round for a transposed A); C[i,j] = c[i c_row + j c_col] with 0 where C is broadcast;
/// R and Y are row-major with y_row elements between rows.
/// Fold the batch into m where B is not batched: it is faster.
typedef struct maas_f32_gemm_params {
  int64_t m, n, k;
  int64_t a_offset; ///< Elements before A in its operand.
  int64_t a_row, a_col;
  maas_gemm_b b_form;
  int64_t b_offset;     ///< Elements before a plain B in its operand.
  int64_t b_row, b_col; ///< Of a plain B.
  /// Of a plain B whose columns are the rows of packed panels, b_row = 1 and b_col = nr: elements between panels.
  /// Else 0.
  int64_t b_panel;
  bool
      b_is_far; ///< A packed B probably comes from memory in every run; what a cache has is slower read as such.
  int64_t c_row, c_col;
  int64_t y_row;
  /// Elements between panels of nr columns of Y, which then has no activation, C or R; 0 where rows are whole.
  int64_t y_panel;
  float alpha; ///< Not read when k is 0.
  float beta;
  maas_f32_activation activation;
  int32_t batch_rank;
  int32_t nr; ///< Set by split.
  int64_t batch[MAAS_MAX_BATCH_RANK];
  int64_t a_batch[MAAS_MAX_BATCH_RANK]; ///< Elements between matrices; 0 broadcasts.
  int64_t b_batch[MAAS_MAX_BATCH_RANK]; ///< The same of a plain B; packed matrices of another.
  int64_t c_batch[MAAS_MAX_BATCH_RANK];
  int64_t y_batch[MAAS_MAX_BATCH_RANK]; ///< Also R's.
  /// What takes each piece of a Y in whole panels once, on any thread, in place of the operand, which is then NULL; B is
  /// plain. NULL for nothing.
  maas_gemm_take *take;
  int64_t taken_first; ///< Elements of Y before this product's, which is then a part of Y.
  /// Operands whose elements at the same places the caches shall have when a piece is taken; 0 for none.
  int32_t wanted[MAAS_GEMM_WANTED];
  const float *wanted_elsewhere; ///< Where such elements lie that are no operand's. NULL for none.
  /// Whether B or Y is weights that a step of training moves, in panels, or their gradient.
  bool is_stepped;
  int64_t tile_m, tile_n; ///< Set by split.
  bool
      rows_outside; ///< Set by split: tiles of the same rows follow each other, not those of the same columns.
} maas_f32_gemm_params;

/// a, b, c or NULL, residual R or NULL, y. In place with R, and with C where C has Y's strides.
int32_t maas_f32_gemm(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_gemm_split(maas_f32_gemm_params *params);

/// The same of doubles, with a plain B and without an activation.
int32_t maas_f64_gemm(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f64_gemm_split(maas_f32_gemm_params *params);

/// B[p,j] = b[p b_row + j b_col]; b_row = ldb and b_col = 1, or the other way round for a transposed B.
/// The packed matrices follow one another in row-major order of the batch.
typedef struct maas_f32_gemm_pack_params {
  int64_t k, n;
  int64_t b_row, b_col;
  bool is_half; ///< Elements of 16 bits, which stay so.
  int32_t batch_rank;
  int32_t nr;   ///< Set by split.
  int64_t rows; ///< Of one item. Set by split.
  int64_t batch[MAAS_MAX_BATCH_RANK];
  int64_t b_batch[MAAS_MAX_BATCH_RANK]; ///< Elements between matrices.
} maas_f32_gemm_pack_params;

/// packed b, b. The layout belongs to the kernel this process selected; do not store it in files.
int32_t maas_f32_gemm_pack(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_gemm_pack_split(maas_f32_gemm_pack_params *params);
/// Bytes of one packed matrix of floats, a multiple of 4, and twice those of halves; -1 if that does not fit an
/// int64_t.
int64_t maas_f32_gemm_packed_bytes(int64_t k, int64_t n);
/// Columns of a panel of a packed B: panels follow one another, each with k rows of so many elements.
int64_t maas_f32_gemm_panel_columns(void);

// Movement, by element size: 1, 2, 4, 8 or 16 bytes

/// y[y_offset + sum i_d y_strides_d] = x[x_offset + sum i_d x_strides_d]. Transpose, Slice, Expand, the
/// pieces of Concat and Split, the inside of Pad.
typedef struct maas_copy_params {
  int32_t size; ///< Bytes of an element.
  int32_t rank; ///< 0 ... MAAS_MAX_RANK; split sorts, drops and merges dimensions.
  int64_t dims[MAAS_MAX_RANK];
  int64_t x_strides[MAAS_MAX_RANK]; ///< Any sign; 0 repeats.
  int64_t y_strides[MAAS_MAX_RANK]; ///< Positive, and no element of y is written twice.
  int64_t x_offset, y_offset;
  int32_t path; ///< Set by split.
} maas_copy_params;

/// x, y.
int32_t maas_copy(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_copy_split(maas_copy_params *params);

typedef struct maas_fill_params {
  int32_t size;      ///< Bytes of an element.
  uint8_t value[16]; ///< The first `size` bytes.
  int64_t n;
} maas_fill_params;

/// y[n].
int32_t maas_fill(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_fill_split(const maas_fill_params *params);

/// y[rows, row_times, columns, column_times] = x[rows, 1, columns, 1]
typedef struct maas_enlarge_params {
  int64_t size; ///< Bytes of an element, as many as there are.
  int64_t rows, columns, row_times, column_times;
} maas_enlarge_params;

/// x, y.
int32_t maas_enlarge(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_enlarge_split(const maas_enlarge_params *params);

/// y[o, i, :] = x[o, indices[i], :] with x [outer, axis, inner], y [outer, count, inner]. ONNX's Gather.
typedef struct maas_gather_params {
  int32_t size;       ///< Bytes of an element.
  int32_t index_size; ///< 4 or 8: int32 or int64 indices.
  int64_t outer, axis, inner;
  int64_t count; ///< Elements of the indices tensor.
} maas_gather_params;

/// x, indices, y. MAAS_STEP_INDEX for an index outside [-axis, axis).
int32_t maas_gather(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_gather_split(const maas_gather_params *params);

// Softmax

/// Over the middle dimension of [outer, axis, inner].
typedef struct maas_f32_softmax_params {
  bool log; ///< LogSoftmax.
  int64_t outer, axis, inner;
} maas_f32_softmax_params;

/// x, y. In place. At most (16 - ln y) 2^-23 y from the exact y; logarithms at most 2^-22 max(1, |y|).
int32_t maas_f32_softmax(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_softmax_split(const maas_f32_softmax_params *params);

/// What a mask does to an element of x.
typedef enum maas_mask {
  MAAS_MASK_NONE = 0,
  MAAS_MASK_ADDED,  ///< A float is added; -inf hides the element whatever it is.
  MAAS_MASK_CHOSEN, ///< A byte of 0 puts `fill` in its place.
} maas_mask;

/// Softmax of rows that arrive in tiles, with the weighted sum it is needed for: exponentials are taken relative
/// to the largest element so far, and what was summed before is brought to that scale (Milakov, Gimelshein 2018:
/// "Online normalizer calculation for softmax"). Before the first tile maximum is -inf, sum and y are 0; after the
/// last one the softmax is x / sum. A row of only -inf adds nothing. What y holds while sum is 0 is not looked at.
typedef struct maas_f32_online_softmax_params {
  int64_t rows, n;
  int64_t width; ///< Elements of a row of y.
  maas_mask mask;
  int64_t mask_n, mask_row; ///< Elements of a row of the mask, and between rows (0: the same for all).
  float fill;               ///< Of MAAS_MASK_CHOSEN.
} maas_f32_online_softmax_params;

/// x[rows, n] (becomes e^(x - maximum), of which what is below 2^-126 may be 0), maximum[rows], sum[rows],
/// y[rows, width] (scaled); all are updated. Then the mask or NULL, which is applied to the first mask_n elements of a
/// row before.
int32_t maas_f32_online_softmax(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_online_softmax_split(const maas_f32_online_softmax_params *params);

// Products of few rows with a matrix that is used once

/// Row-major matrices with the given elements between rows.
typedef struct maas_f32_rows_params {
  int64_t rows;  ///< Of x and y; a work item is one.
  int64_t n;     ///< Rows of b.
  int64_t width; ///< Elements of a row of b.
  int64_t x_row, b_row, y_row;
  float alpha; ///< Of row_dots.
} maas_f32_rows_params;

/// x, b, y: y[rows, n] = alpha x[rows, width] b[n, width]'.
int32_t maas_f32_row_dots(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
/// x, b, y: y[rows, width] += x[rows, n] b[n, width].
int32_t maas_f32_row_sums(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_rows_split(const maas_f32_rows_params *params);

// Rotary embedding

/// Pairs (a, b) of elements of each head become (a cos - b sin, a sin + b cos); what is behind the pairs is copied.
/// Pairs are neighbours, or lie `pairs` apart. A work item is a head of a place. Row r of cosines and sines
/// [positions, pairs] belongs to batch b and place s with r = b batch_step + s place_step, plus the position
/// number [b id_batch + s id_place] where there are ids. With own_angles rows have 2 pairs elements, and the second
/// half of a head is made with the second halves of them.
typedef struct maas_f32_rotary_params {
  int64_t batch, places, heads, size, pairs;
  bool interleaved, own_angles;
  int64_t x_batch, x_place, x_head; ///< Elements between neighbours.
  int64_t y_batch, y_place, y_head;
  int64_t x_offset;
  int64_t positions;
  int64_t batch_step, place_step, id_batch, id_place;
} maas_f32_rotary_params;

/// x, cosines, sines, int64 ids or NULL, y. In place. MAAS_STEP_INDEX for a row outside [0, positions).
int32_t maas_f32_rotary(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_rotary_split(const maas_f32_rotary_params *params);

// Normalisation

/// y = (x - mean) / sqrt(variance + epsilon) * scale + bias per row of x [rows, n]; RMS form: mean taken as
/// 0.
typedef struct maas_f32_layer_norm_params {
  bool rms; ///< RMSNormalization.
  float epsilon;
  int64_t rows, n;
} maas_f32_layer_norm_params;

/// x, scale[n] or NULL, bias[n] or NULL, y, mean[rows] or NULL, inverse standard deviation[rows] or NULL. In
/// place. With factors of at most 1, at most 2^-21 (1 + |mean| / deviation) max(1, |y|) from the exact y.
int32_t maas_f32_layer_norm(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_layer_norm_split(const maas_f32_layer_norm_params *params);

/// y = activation(x * scale[c] + shift[c]) over [outer, channels, inner]: BatchNormalization in inference.
typedef struct maas_f32_channel_affine_params {
  int64_t outer, channels, inner;
  maas_f32_activation activation;
} maas_f32_channel_affine_params;

/// x, scale[channels], shift[channels], y. In place.
int32_t maas_f32_channel_affine(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_channel_affine_split(const maas_f32_channel_affine_params *params);

// Reduction

typedef enum maas_reduce {
  MAAS_REDUCE_SUM = 0,
  MAAS_REDUCE_MEAN,
  MAAS_REDUCE_MAX, ///< NaN if any is
  MAAS_REDUCE_MIN, ///< NaN if any is
  MAAS_REDUCE_PROD,
  MAAS_REDUCE_L1,
  MAAS_REDUCE_L2,
  MAAS_REDUCE_SUM_SQUARE,
  MAAS_REDUCE_LOG_SUM,
  MAAS_REDUCE_LOG_SUM_EXP,
  MAAS_REDUCE_COUNT
} maas_reduce;

/// Reduces the marked dimensions of a contiguous tensor; y holds the others, in order. Sums are of short
/// blocks in float and over blocks in double, so that their error does not grow with the length.
typedef struct maas_f32_reduce_params {
  maas_reduce op;
  int32_t rank; ///< 0 ... MAAS_MAX_RANK; split drops and merges dimensions.
  int64_t dims[MAAS_MAX_RANK];
  bool reduced[MAAS_MAX_RANK];
} maas_f32_reduce_params;

/// x, y. Of no elements: 0 (sums, L1, L2), 1 (product), NaN (mean), -inf (max, logarithms), +inf (min).
int32_t maas_f32_reduce(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_reduce_split(maas_f32_reduce_params *params);

// Which kernels run

/// The name of the kernel that `step` will run, or NULL if it is not one of this target's.
const char *maas_kernel_name(const maas_step *step);
/// The best instruction set this process uses: "scalar", "neon", "avx2", "avx512".
const char *maas_isa_name(void);
/// Writes what decides how weights are packed, e.g. "x86-64 avx512 vnni", and a NUL, as snprintf does.
int maas_cpu_family(char *text, size_t size);
/// The value of MAAS_ISA if it is set but names no instruction set of this architecture, else NULL; such a
/// value has no effect.
const char *maas_isa_refused(void);

#ifdef __cplusplus
}
#endif
#endif
