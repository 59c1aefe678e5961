/// Functions of each element, and of pairs.
#include "rows.h"
#include <stdio.h>

enum { elements = 1 << 16 };

SPLIT(unary)
SPLIT(binary)

static const struct function {
  const char *name;
  maas_f32_activation function;
} functions[] = {
    {"relu", {MAAS_UNARY_RELU, 0, 0}},
    {"sqrt", {MAAS_UNARY_SQRT, 0, 0}},
    {"exp", {MAAS_UNARY_EXP, 0, 0}},
    {"log", {MAAS_UNARY_LOG, 0, 0}},
    {"erf", {MAAS_UNARY_ERF, 0, 0}},
    {"tanh", {MAAS_UNARY_TANH, 0, 0}},
    {"sigmoid", {MAAS_UNARY_SIGMOID, 0, 0}},
    {"gelu", {MAAS_UNARY_GELU, 0, 0}},
    {"gelu tanh", {MAAS_UNARY_GELU_TANH, 0, 0}},
    {"silu", {MAAS_UNARY_SILU, 1, 0}},
    {"softplus", {MAAS_UNARY_SOFTPLUS, 0, 0}},
    {"sin", {MAAS_UNARY_SIN, 0, 0}},
};

static void measure_unary(const struct function *f) {
  maas_f32_unary_params p = {f->function, elements};
  kernel_case c = {.table = "maas_f32_unary",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{elements, false}, {elements, false}},
                   .split = unary_split};
  snprintf(c.note, sizeof c.note, "%s", f->name);
  measure(&c);
}

/// [128, 512] and an operand of as many elements as its strides reach.
static void measure_binary(const char *note, maas_binary op, int64_t row, int64_t column, size_t count) {
  maas_f32_binary_params p = {
      .op = op, .rank = 2, .dims = {128, 512}, .a_strides = {512, 1}, .b_strides = {row, column}};
  kernel_case c = {.table = "maas_f32_binary",
                   .params = &p,
                   .params_size = sizeof p,
                   .operands = {{elements, false}, {count, false}, {elements, false}},
                   .split = binary_split};
  snprintf(c.note, sizeof c.note, "%s", note);
  measure(&c);
}

void measure_elementwise(void) {
  for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
    measure_unary(&functions[i]);
  measure_binary("add", MAAS_BINARY_ADD, 512, 1, elements);
  measure_binary("add row", MAAS_BINARY_ADD, 0, 1, 512);
  measure_binary("mul column", MAAS_BINARY_MUL, 1, 0, 128);
  measure_binary("div", MAAS_BINARY_DIV, 512, 1, elements);
  measure_binary("pow", MAAS_BINARY_POW, 512, 1, elements);
}
