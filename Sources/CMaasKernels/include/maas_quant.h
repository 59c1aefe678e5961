#ifndef MAAS_QUANT_H
#define MAAS_QUANT_H
/// Kernels of quantized models and narrow element types; the rules are those of maas_kernels.h.
#include "maas_windows.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum maas_element {
  MAAS_ELEMENT_U8 = 0,
  MAAS_ELEMENT_S8,
  MAAS_ELEMENT_U16,
  MAAS_ELEMENT_S16,
  MAAS_ELEMENT_S32,
  MAAS_ELEMENT_F32,
} maas_element;

/// Scale and zero point lie under x as `strides` say; both have the same.
typedef struct maas_quantize_params {
  maas_element type; ///< Of the quantized side and of the zero point. Not S32 or F32 for quantize.
  float low, high;   ///< Quantize: whole numbers that results are held between.
  int32_t rank;      ///< 0 ... MAAS_MAX_RANK; split drops and merges dimensions.
  int64_t dims[MAAS_MAX_RANK];
  int64_t strides[MAAS_MAX_RANK]; ///< 0 where scale and zero point are broadcast.
} maas_quantize_params;

/// x, scale or NULL for 1, zero point or NULL, y = round(x / scale) + zero point, half to even; low for NaN.
int32_t maas_f32_quantize(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
/// x, scale, zero point or NULL, y = (x - zero point) * scale.
int32_t maas_f32_dequantize(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_quantize_split(maas_quantize_params *params);

typedef struct maas_f32_range_params {
  int64_t n;
  int64_t block; ///< Set by split; an item each.
} maas_f32_range_params;

/// x[n], y[items, 2]: the smallest and the largest number of each block and 0; NaN is none.
int32_t maas_f32_range(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_range_split(maas_f32_range_params *params);

/// y = saturate(round(a + b, or a b, as quantized numbers of y's scale)); all of one 8-bit type.
typedef struct maas_qbinary_params {
  maas_element type; ///< U8 or S8.
  bool multiplies;
  int32_t rank; ///< 0 ... MAAS_MAX_RANK; split drops and merges dimensions.
  int64_t dims[MAAS_MAX_RANK];
  int64_t a_strides[MAAS_MAX_RANK]; ///< 0 where a is broadcast.
  int64_t b_strides[MAAS_MAX_RANK];
} maas_qbinary_params;

/// a, its scale and zero point, b, its scale and zero point, y's scale and zero point, y. A zero point may be NULL.
int32_t maas_f32_qbinary(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_qbinary_split(maas_qbinary_params *params);

/// x, table[256], y: y[i] = table[x[i]]. In place.
int32_t maas_s8_table(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_s8_table_split(int64_t n);

// Conversions between float and the 16-bit floats, rounded to nearest even; NaN keeps only its sign on the way down

typedef enum maas_conversion {
  MAAS_CONVERT_TO_F16 = 0,
  MAAS_CONVERT_TO_BF16,
  MAAS_CONVERT_FROM_F16,
  MAAS_CONVERT_FROM_BF16,
} maas_conversion;

typedef struct maas_f32_convert_params {
  maas_conversion conversion;
  int64_t n;
} maas_f32_convert_params;

/// x[n], y[n].
int32_t maas_f32_convert(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_convert_split(const maas_f32_convert_params *params);

// Products of bytes, with sums of 32 bits

/// What becomes of the sums of products of A's and B's bytes less their zero points. S32: the sums, with an integer
/// bias added. Else Y = activation((sum a_scale) b_scale + bias + residual), which for bytes is divided by y_scale,
/// rounded half to even, moved by y's zero point and held within the type. Such bytes may be dequantized again, numbers
/// of columns added, and the sums quantized anew.
typedef struct maas_s8_finish {
  bool a_is_signed, b_is_signed;
  bool bias_is_integer;   ///< int32, added to the sums before they are scaled.
  maas_element y_type;    ///< S32, F32, U8 or S8.
  int32_t a_zero, b_zero; ///< Where there are no such operands.
  int64_t a_zeros,
      b_zeros; ///< Elements of those operands, else 0. Row i of all matrices A has number i % a_zeros.
  int64_t a_scales, b_scales;     ///< Elements of the scales, else 0.
  maas_f32_activation activation; ///< None, RELU or CLIP for bytes; none for sums.
} maas_s8_finish;

/// The operands of a product of bytes. All but the first three may be NULL: scales and zero points are then 1 and 0.
typedef enum maas_s8_operand {
  MAAS_S8_A = 0,
  MAAS_S8_B, ///< As packed by maas_s8_pack.
  MAAS_S8_Y,
  MAAS_S8_A_ZERO,
  MAAS_S8_B_ZERO,
  MAAS_S8_A_SCALE,
  MAAS_S8_B_SCALE,
  MAAS_S8_BIAS,     ///< One for each column, the same in all matrices.
  MAAS_S8_RESIDUAL, ///< Like a Y of floats.
  MAAS_S8_Y_SCALE,  ///< Of bytes, before more is added.
  MAAS_S8_Y_ZERO,
  MAAS_S8_MORE_BIAS,  ///< Floats, like the bias.
  MAAS_S8_MORE_SCALE, ///< Of bytes with those.
  MAAS_S8_MORE_ZERO,
  MAAS_S8_OPERANDS
} maas_s8_operand;

/// Matrices of A and B, batched; distances between matrices count matrices, 0 broadcasts.
typedef struct maas_s8_gemm_params {
  int64_t m, n, k;
  int64_t a_row, y_row; ///< Elements between rows of A and of Y.
  maas_s8_finish finish;
  int32_t batch_rank;
  int64_t batch[MAAS_MAX_BATCH_RANK];
  int64_t a_batch[MAAS_MAX_BATCH_RANK];
  int64_t b_batch[MAAS_MAX_BATCH_RANK];
  int64_t y_batch[MAAS_MAX_BATCH_RANK];
  int64_t tile_m, tile_n, row_tiles; ///< Set by split.
  bool rows_outside;                 ///< Set by split, as in maas_f32_gemm_params.
} maas_s8_gemm_params;

/// Operands as maas_s8_operand lists them. In place with the residual. Sums wrap.
int32_t maas_s8_gemm(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_s8_gemm_split(maas_s8_gemm_params *params);

/// B[p, j] = b[p b_row + j b_col] of `count` matrices.
typedef struct maas_s8_pack_params {
  bool is_signed;
  bool is_constant; ///< Packed once for many runs: what each would look for in it is noted.
  int64_t k, n, count;
  int64_t b_row, b_col;
  bool
      in_order; ///< B is read from its first byte to its last, on one thread, if b_col is 1: pages of a file can go.
  int32_t nr;   ///< Set by split.
  int64_t rows; ///< Of an item in that order, else all. Set by split.
} maas_s8_pack_params;

/// packed b, b. The layout belongs to the kernel this process selected.
int32_t maas_s8_pack(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_s8_pack_split(maas_s8_pack_params *params);
/// Bytes of one packed matrix; -1 if that does not fit an int64_t.
int64_t maas_s8_packed_bytes(int64_t k, int64_t n);

/// Convolution of bytes with their channels last: X [batch, input..., channels], Y [batch, output..., filters],
/// packed W. Padding has X's zero point, of which there is one; scales and zero points of W are one, or one for each
/// filter.
typedef struct maas_s8_conv_params {
  maas_f32_conv_params conv; ///< Without its activation.
  maas_s8_finish finish;
} maas_s8_conv_params;

/// Operands as maas_s8_operand lists them: X in A's place, W in B's. In place with the residual. Sums wrap.
int32_t maas_s8_conv(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_s8_conv_split(maas_s8_conv_params *params);

typedef struct maas_s8_conv_pack_params {
  maas_f32_conv_params conv; ///< After the split of its convolution.
  bool is_signed;
  bool is_constant; ///< As in maas_s8_pack_params.
  int32_t nr;       ///< Set by split.
} maas_s8_conv_pack_params;

/// packed w, w [filters, channels / groups, kernel...]. The layout belongs to the kernel this process selected, and
/// to the path its split chose.
int32_t maas_s8_conv_pack(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_s8_conv_pack_split(maas_s8_conv_pack_params *params);
/// Bytes of the packed weights; -1 if that does not fit an int64_t.
int64_t maas_s8_conv_packed_bytes(const maas_f32_conv_params *params);

// The product with a matrix that is quantized in blocks along k, its codes several to a byte

/// Y = A B + bias with B[p, j] = (code - zero) scale; scale and zero hold for `block` neighbours along k.
typedef struct maas_f32_nbits_params {
  int64_t m, n, k; ///< k is a multiple of block.
  int64_t block;   ///< A power of two, at least 16.
  int32_t bits;    ///< Of a code: 2, 4 or 8.
  float zero;      ///< Where there is no operand of zeros.
  bool a_is_bytes; ///< A and its scales are what maas_f32_block_bytes made: if maas_f32_nbits_wants_bytes.
  bool direct;     ///< Set by split, as all below.
  int64_t tile_m, tile_n, pass;
} maas_f32_nbits_params;

/// a[m, k], codes, scales, zeros or NULL, the sums of a's blocks [m, k / block] or NULL unless `direct`, bias[n] or
/// NULL, y[m, n], and the scales of a's blocks where a is bytes. Codes, scales and zeros lie in panels as
/// maas_f32_gemm_pack makes them of matrices [k * bits / 32, n] (a word has the codes of neighbours along k, the
/// first in its lowest bits) and [k / block, n].
int32_t maas_f32_nbits(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_nbits_split(maas_f32_nbits_params *params);
/// Whether A may come as bytes for codes of so many bits, and that is worth its while for m rows.
bool maas_f32_nbits_wants_bytes(int64_t m, int32_t bits);

typedef struct maas_block_bytes_params {
  int64_t blocks, block;
  int32_t bits; ///< Of the codes that y meets.
} maas_block_bytes_params;

/// x[blocks, block], bytes y, scales, sums: y = round(x / scale) with scale = the largest |x| / 127, sums of scale y.
/// A block has a multiple of 16 numbers. For codes of 4 bits the even ones of each 8 stand before the odd ones, for
/// those of 2 bits every fourth of each 16 together: 0 4 8 12 1 5 9 13 ...
int32_t maas_f32_block_bytes(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_block_bytes_split(const maas_block_bytes_params *params);

#ifdef __cplusplus
}
#endif
#endif
