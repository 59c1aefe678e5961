#ifndef MAAS_RECURRENT_H
#define MAAS_RECURRENT_H
/// A time step of an LSTM. RNN, GRU and LSTM while they are trained: a walk over the sequence that keeps what the
/// walk back needs, and that walk. The rules of maas_kernels.h hold. Gates and directions are in ONNX's order.
#include "maas_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/// One time step of ONNX's LSTM after the product of its input with W. `gates` [rows, 4 hidden] in the order i, o, f,
/// c, biases added; `peephole` [3 hidden] in the order i, o, f.
typedef struct maas_f32_lstm_params {
  int64_t rows, hidden;
  int64_t units;  ///< Of each row so many are computed, from where the operands begin.
  int64_t k;      ///< Hidden values that are multiplied: all, or 0 where `gates` hold that product already.
  int64_t r_gate; ///< Elements between the packed parts of R of neighbouring gates.
  int64_t gates_row; ///< Elements between rows of gates, at least 4 hidden.
  int64_t y_row;     ///< Elements between rows of y, at least hidden.
  int64_t time;      ///< Compared with lengths.
  maas_f32_activation f, g, h;
  float clip; ///< Gate inputs are held in [-clip, clip]; 0 for none.
  bool input_forget;
} maas_f32_lstm_params;

/// gates, cell[rows, hidden] (updated), peephole or NULL, int32 lengths[rows] or NULL, hidden[rows, hidden]
/// (updated), y or NULL (a second copy of hidden), hidden[rows, k] before the step, R as maas_f32_gemm_pack packs it
/// for the units. A row whose length is <= time keeps its cell and hidden, and its y is 0.
int32_t maas_f32_lstm(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);
maas_split maas_f32_lstm_split(const maas_f32_lstm_params *params);

typedef enum maas_cell { MAAS_CELL_RNN = 0, MAAS_CELL_GRU, MAAS_CELL_LSTM } maas_cell;

/// The derivative of an activation as a polynomial in its result y, with one set of coefficients for y > 0 and one for
/// the rest: a[0] + a[1] y + a[2] y^2.
typedef struct maas_slope {
  float above[3], below[3];
} maas_slope;

typedef struct maas_recurrent_params {
  maas_cell cell;
  bool is_double;
  bool first_is_reverse;    ///< The first direction walks from the end; the second always does.
  bool linear_before_reset; ///< GRU.
  bool input_forget;        ///< LSTM.
  float clip;               ///< Of the gates' inputs, where it is more than 0.
  int64_t steps, batch, hidden, directions;
  maas_f32_activation functions[2][3]; ///< Of each direction, as ONNX names them.
  maas_slope slopes[2][3];
  int64_t rows;          ///< Of the batch in an item. Set by split.
  int64_t local_scratch; ///< Set by split.
} maas_recurrent_params;

/// A work item is the whole walk of some rows of the batch in one direction; g is 1, 3 or 4 gates. T, B, H, D: steps,
/// batch, hidden, directions. R is plain [D, g H, H] for doubles.
///
/// - gates[D, T, B, g H]: the input's part and the biases; becomes the activated gates.
/// - R packed by maas_f32_gemm_pack, gate by gate, k = H (R' is what is multiplied).
/// - LSTM's peepholes [D, 3 H]; of GRU that is linear before reset the bias of R's last gate, [D, H]; or NULL.
/// - int32 lengths[B] or NULL, initial hidden[D, B, H] or NULL, initial cell or NULL.
/// - before[D, T, B, H]: set to the hidden values before each step.
/// - kept: LSTM: cells [D, T + 1, B, H], in the order of the walk. GRU: [D, T, B, H], what the last gate of R was
///   multiplied with, or, linear before reset, that product with its bias. NULL for RNN.
/// - y[T, D, B, H] or NULL, last hidden[D, B, H], last cell or NULL: 0 of a sequence of length 0, as in ONNX Runtime.
int32_t maas_recurrent_forward(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);

/// - gates, as the walk left them.
/// - R packed with k = g H (of GRU that is not linear before reset 2 H), one matrix for each direction.
/// - R packed gate by gate with k = H (not transposed), for GRU that is not linear before reset; else NULL.
/// - peepholes or NULL, lengths or NULL, before, kept, gradient of y or NULL.
/// - gradient of the last hidden values, and of the last cells or NULL: become those of the initial ones.
/// - gradient of the gates' inputs [D, T, B, g H]; of GRU that is linear before reset, the same for R's part; else
///   NULL.
int32_t maas_recurrent_backward(const maas_step *step, int64_t begin, int64_t end, maas_worker *worker);

maas_split maas_recurrent_split(maas_recurrent_params *params);

#ifdef __cplusplus
}
#endif
#endif
