/* Tensors: made, copied, borrowed and read. */
#include "check.h"

static const int64_t two_by_three[] = {2, 3};

static void created(void) {
  maas_tensor *tensor = NULL;
  OK(maas_tensor_create(MAAS_DTYPE_INT16, two_by_three, 2, &tensor));
  void *data = NULL;
  size_t bytes = 0, rank = 0, elements = 0;
  const int64_t *shape = NULL;
  maas_dtype dtype = MAAS_DTYPE_UNDEFINED;
  OK(maas_tensor_data(tensor, &data, &bytes));
  OK(maas_tensor_shape(tensor, &shape, &rank));
  OK(maas_tensor_elements(tensor, &elements));
  OK(maas_tensor_dtype(tensor, &dtype));
  CHECK(bytes == 12 && rank == 2 && shape[0] == 2 && shape[1] == 3);
  CHECK(elements == 6 && dtype == MAAS_DTYPE_INT16);
  CHECK((uintptr_t)data % 64 == 0);
  for (size_t i = 0; i < bytes; i++)
    CHECK(((unsigned char *)data)[i] == 0);
  OK(maas_tensor_close(tensor));
}

/* Four-bit types have two elements in a byte; a last half-filled byte counts. */
static void bytes_of_types(void) {
  static const struct {
    maas_dtype dtype;
    size_t bytes;
  } sizes[] = {{MAAS_DTYPE_BOOL, 7},   {MAAS_DTYPE_FLOAT16, 14}, {MAAS_DTYPE_DOUBLE, 56},
               {MAAS_DTYPE_UINT4, 4},  {MAAS_DTYPE_INT2, 2},     {MAAS_DTYPE_COMPLEX128, 112},
               {MAAS_DTYPE_UINT64, 56}};
  const int64_t seven[] = {7};
  for (size_t i = 0; i < COUNT(sizes); i++) {
    maas_tensor *tensor = NULL;
    size_t bytes = 0;
    OK(maas_tensor_create(sizes[i].dtype, seven, 1, &tensor));
    OK(maas_tensor_data(tensor, NULL, &bytes));
    CHECK(bytes == sizes[i].bytes);
    OK(maas_tensor_close(tensor));
  }
}

static void scalars_and_empty_ones(void) {
  maas_tensor *scalar = NULL, *empty = NULL;
  const int64_t none[] = {4, 0, 5};
  const int64_t *shape = NULL;
  size_t rank = 99, elements = 99, bytes = 99;
  OK(maas_tensor_create(MAAS_DTYPE_FLOAT, NULL, 0, &scalar));
  OK(maas_tensor_shape(scalar, &shape, &rank));
  OK(maas_tensor_elements(scalar, &elements));
  CHECK(shape != NULL && rank == 0 && elements == 1);
  OK(maas_tensor_create(MAAS_DTYPE_FLOAT, none, 3, &empty));
  OK(maas_tensor_elements(empty, &elements));
  OK(maas_tensor_data(empty, NULL, &bytes));
  CHECK(elements == 0 && bytes == 0);
  OK(maas_tensor_close(empty));
  OK(maas_tensor_borrow(MAAS_DTYPE_FLOAT, none, 3, NULL, 0, NULL, NULL, &empty));
  OK(maas_tensor_close(empty));
  OK(maas_tensor_copy(MAAS_DTYPE_FLOAT, none, 3, NULL, 0, &empty));
  OK(maas_tensor_close(empty));
  OK(maas_tensor_close(scalar));
}

static void copied(void) {
  float numbers[] = {1, 2, 3, 4, 5, 6};
  maas_tensor *tensor = NULL;
  OK(maas_tensor_copy(MAAS_DTYPE_FLOAT, two_by_three, 2, numbers, sizeof numbers, &tensor));
  numbers[5] = 0;
  CHECK(floats(tensor) != numbers && floats(tensor)[0] == 1 && floats(tensor)[5] == 6);
  OK(maas_tensor_close(tensor));
}

static void count(void *context) { ++*(int *)context; }

static void lent(void) {
  float numbers[] = {1, 2, 3, 4, 5, 6, 7};
  int released = 0;
  maas_tensor *tensor = NULL;
  OK(maas_tensor_borrow(MAAS_DTYPE_FLOAT, two_by_three, 2, numbers, sizeof numbers, count, &released,
                        &tensor));
  CHECK(floats(tensor) == numbers);
  size_t bytes = 0;
  OK(maas_tensor_data(tensor, NULL, &bytes));
  CHECK(bytes == 24 && released == 0);
  OK(maas_tensor_close(tensor));
  CHECK(released == 1);
}

/* Who keeps a tensor keeps its memory. */
static void lent_to_a_binding(void) {
  static float x[16];
  const int64_t shape[] = {1, 16};
  int released = 0;
  maas_tensor *tensor = NULL;
  maas_binding *binding = NULL;
  maas_session *session = open_session("five.onnx");
  OK(maas_binding_create(session, &binding));
  OK(maas_tensor_borrow(MAAS_DTYPE_FLOAT, shape, 2, x, sizeof x, count, &released, &tensor));
  OK(maas_binding_set_input(binding, "x", tensor));
  OK(maas_tensor_close(tensor));
  CHECK(released == 0);
  OK(maas_binding_run(binding, NULL));
  OK(maas_session_close(session));
  CHECK(released == 0);
  OK(maas_binding_close(binding));
  CHECK(released == 1);
}

static void refused_shapes(void) {
  maas_tensor *tensor = untouched();
  const int64_t negative[] = {2, -1}, large[] = {INT64_MAX, 2},
                product[] = {INT64_C(1) << 32, INT64_C(1) << 32};
  const int64_t endless[] = {INT64_C(1) << 45}, huge[] = {INT64_C(1) << 42};
  int64_t many[65];
  for (size_t i = 0; i < COUNT(many); i++)
    many[i] = 1;
  FAILS(maas_tensor_create(MAAS_DTYPE_FLOAT, negative, 2, &tensor), MAAS_SHAPE_MISMATCH, "-1");
  FAILS(maas_tensor_create(MAAS_DTYPE_FLOAT, large, 2, &tensor), MAAS_SHAPE_MISMATCH, "large");
  FAILS(maas_tensor_create(MAAS_DTYPE_FLOAT, product, 2, &tensor), MAAS_SHAPE_MISMATCH, "large");
  FAILS(maas_tensor_create(MAAS_DTYPE_FLOAT, many, 65, &tensor), MAAS_SHAPE_MISMATCH, "65");
  FAILS(maas_tensor_create(MAAS_DTYPE_FLOAT, many, SIZE_MAX, &tensor), MAAS_SHAPE_MISMATCH, "rank");
  FAILS(maas_tensor_create(MAAS_DTYPE_DOUBLE, endless, 1, &tensor), MAAS_SHAPE_MISMATCH, "large");
  FAILS(maas_tensor_create(MAAS_DTYPE_DOUBLE, huge, 1, &tensor), MAAS_OUT_OF_MEMORY, "35184372088832");
  CHECK(tensor == untouched());
  OK(maas_tensor_create(MAAS_DTYPE_FLOAT, many, 64, &tensor));
  OK(maas_tensor_close(tensor));
}

static void refused_types(void) {
  maas_tensor *tensor = untouched();
  const int none[] = {MAAS_DTYPE_UNDEFINED, 27, 999, -1};
  for (size_t i = 0; i < COUNT(none); i++)
    FAILS(maas_tensor_create((maas_dtype)none[i], two_by_three, 2, &tensor), MAAS_TYPE_MISMATCH,
          "element type");
  FAILS(maas_tensor_create(MAAS_DTYPE_STRING, two_by_three, 2, &tensor), MAAS_TYPE_MISMATCH,
        "create_strings");
  CHECK(tensor == untouched());
}

static void refused_memory(void) {
  float numbers[8];
  int released = 0;
  maas_tensor *tensor = untouched();
  char *odd = (char *)numbers + 1;
  FAILS(maas_tensor_borrow(MAAS_DTYPE_FLOAT, two_by_three, 2, numbers, 23, count, &released, &tensor),
        MAAS_BUFFER_TOO_SMALL, "24 bytes");
  FAILS(maas_tensor_copy(MAAS_DTYPE_FLOAT, two_by_three, 2, numbers, 0, &tensor), MAAS_BUFFER_TOO_SMALL,
        "24 bytes");
  FAILS(maas_tensor_borrow(MAAS_DTYPE_FLOAT, two_by_three, 2, odd, 24, count, &released, &tensor),
        MAAS_INVALID_ARGUMENT, "aligned");
  FAILS(maas_tensor_copy(MAAS_DTYPE_FLOAT, two_by_three, 2, odd, 24, &tensor), MAAS_INVALID_ARGUMENT,
        "aligned");
  REFUSES_NULL(maas_tensor_borrow(MAAS_DTYPE_FLOAT, two_by_three, 2, NULL, 24, count, &released, &tensor),
               "data");
  FAILS(maas_tensor_borrow(MAAS_DTYPE_STRING, two_by_three, 2, numbers, 24, count, &released, &tensor),
        MAAS_TYPE_MISMATCH, "string");
  CHECK(tensor == untouched() && released == 0);
}

static void null_arguments(void) {
  float numbers[6] = {0};
  maas_tensor *tensor = NULL;
  size_t size = 99;
  const int64_t *shape = untouched();
  void *data = untouched();
  maas_dtype dtype = MAAS_DTYPE_BOOL;
  REFUSES_NULL(maas_tensor_create(MAAS_DTYPE_FLOAT, NULL, 1, &tensor), "shape");
  REFUSES_NULL(maas_tensor_create(MAAS_DTYPE_FLOAT, NULL, 0, NULL), "tensor");
  REFUSES_NULL(maas_tensor_copy(MAAS_DTYPE_FLOAT, NULL, 1, numbers, 24, &tensor), "shape");
  REFUSES_NULL(maas_tensor_copy(MAAS_DTYPE_FLOAT, two_by_three, 2, NULL, 24, &tensor), "data");
  REFUSES_NULL(maas_tensor_copy(MAAS_DTYPE_FLOAT, two_by_three, 2, numbers, 24, NULL), "tensor");
  REFUSES_NULL(maas_tensor_borrow(MAAS_DTYPE_FLOAT, two_by_three, 2, numbers, 24, NULL, NULL, NULL),
               "tensor");
  REFUSES_NULL(maas_tensor_dtype(NULL, &dtype), "tensor");
  REFUSES_NULL(maas_tensor_shape(NULL, &shape, &size), "tensor");
  REFUSES_NULL(maas_tensor_elements(NULL, &size), "tensor");
  REFUSES_NULL(maas_tensor_data(NULL, &data, &size), "tensor");
  CHECK(tensor == NULL && size == 99 && shape == untouched() && data == untouched() &&
        dtype == MAAS_DTYPE_BOOL);

  OK(maas_tensor_create(MAAS_DTYPE_FLOAT, two_by_three, 2, &tensor));
  REFUSES_NULL(maas_tensor_dtype(tensor, NULL), "dtype");
  REFUSES_NULL(maas_tensor_elements(tensor, NULL), "elements");
  OK(maas_tensor_shape(tensor, NULL, NULL));
  OK(maas_tensor_data(tensor, NULL, NULL));
  OK(maas_tensor_close(NULL));
  OK(maas_tensor_close(tensor));
}

int main(int argc, char **argv) {
  static const struct check checks[] = {{"created tensors", created},
                                        {"bytes of element types", bytes_of_types},
                                        {"scalars and empty tensors", scalars_and_empty_ones},
                                        {"copied tensors", copied},
                                        {"borrowed tensors", lent},
                                        {"a binding keeps borrowed memory", lent_to_a_binding},
                                        {"refused shapes", refused_shapes},
                                        {"refused element types", refused_types},
                                        {"refused memory", refused_memory},
                                        {"tensors and NULL", null_arguments}};
  return run_checks(argc, argv, checks, COUNT(checks));
}
