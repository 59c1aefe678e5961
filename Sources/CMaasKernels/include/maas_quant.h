#ifndef MAAS_QUANT_H
#define MAAS_QUANT_H
/// Kernels of quantized models and narrow element types; the rules are those of maas_kernels.h.
#include "maas_kernels.h"

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

// Products of 8-bit integers, whose differences from a zero point take 16 bits

/// y[r, p] = x[r, p] - zero[r % zeros], rows of k filled up with 0 to an even number.
typedef struct maas_s16_rows_params {
  bool is_signed;
  int64_t rows, k;
  int64_t zeros; ///< Elements of the zero point's operand; 0 where `zero` stands for it.
  int32_t zero;
} maas_s16_rows_params;

/// y int16[rows, k rounded up to even], x, zero point of x's type if zeros > 0.
int32_t maas_s16_rows(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_s16_rows_split(const maas_s16_rows_params *params);

/// B[p, j] - zero[(b n + j) % zeros] for matrix b of `count`, in panels of nr columns of pairs of rows.
typedef struct maas_s16_pack_params {
  bool is_signed;
  int64_t k, n, count;
  int64_t b_row, b_col; ///< Elements between neighbours in a column and in a row of B.
  int64_t zeros;
  int32_t zero;
  int32_t nr; ///< Set by split.
} maas_s16_pack_params;

/// packed b, b, zero point of b's type if zeros > 0. The layout belongs to the kernel this process selected.
int32_t maas_s16_pack(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_s16_pack_split(maas_s16_pack_params *params);
/// Bytes of one packed matrix; -1 if that does not fit an int64_t.
int64_t maas_s16_packed_bytes(int64_t k, int64_t n);

/// Y = A B, wrapping; distances between matrices count matrices, 0 broadcasts.
typedef struct maas_s16_gemm_params {
  int64_t m, n, k;
  int32_t batch_rank;
  int32_t nr; ///< Set by split.
  int64_t batch[MAAS_MAX_BATCH_RANK];
  int64_t a_batch[MAAS_MAX_BATCH_RANK];
  int64_t b_batch[MAAS_MAX_BATCH_RANK];
  int64_t y_batch[MAAS_MAX_BATCH_RANK];
  int64_t tile_m, tile_n; ///< Set by split.
} maas_s16_gemm_params;

/// a as maas_s16_rows leaves it, packed b, y int32[m, n].
int32_t maas_s16_gemm(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_s16_gemm_split(maas_s16_gemm_params *params);

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

/// a[m, k], codes, scales, zeros or NULL, the sums of a's blocks [m, k / block] or NULL unless `direct`, bias[n] or NULL,
/// y[m, n], and the scales of a's blocks where a is bytes. Codes, scales and zeros lie in panels as maas_f32_gemm_pack
/// makes them of matrices [k * bits / 32, n] (a word has the codes of neighbours along k, the first in its lowest bits)
/// and [k / block, n].
int32_t maas_f32_nbits(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_nbits_split(maas_f32_nbits_params *params);
/// Whether A may come as bytes for codes of so many bits, and that is worth its while for m rows.
bool maas_f32_nbits_wants_bytes(int64_t m, int32_t bits);

typedef struct maas_block_bytes_params {
  int64_t blocks, block;
  int32_t bits; ///< Of the codes that y meets.
} maas_block_bytes_params;

/// x[blocks, block], bytes y, scales, sums: y = round(x / scale) with scale = the largest |x| / 127, sums of scale y. For
/// codes of 4 bits the even ones of each 8 stand before the odd ones.
int32_t maas_f32_block_bytes(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_block_bytes_split(const maas_block_bytes_params *params);

#ifdef __cplusplus
}
#endif
#endif
