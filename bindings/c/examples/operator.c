/* An operator of one's own: operator clip.onnx
 *
 * The model has a node LeakyClip of the domain com.example. Its output is x, but at most `limit`, and below zero
 * x * `slope`. docs/custom-operators.md makes such a model. */
#include <maas.h>
#include <stdio.h>
#include <stdlib.h>

static void check(maas_status status) {
  if (status != MAAS_OK) {
    fprintf(stderr, "%s: %s\n", maas_status_name(status), maas_error_message());
    exit(1);
  }
}

/* The output is like the input. Dimensions that are not known yet are passed on by their symbols. */
static maas_status clip_shape(void *context, maas_node *node) {
  enum { most = 8 };
  const maas_value_info *x = NULL;
  maas_dtype dtype = MAAS_DTYPE_UNDEFINED;
  int64_t rank = 0, sizes[most];
  const char *symbols[most];
  (void)context;
  maas_status status = maas_node_input_info(node, 0, &x);
  if (status == MAAS_OK)
    status = maas_value_info_dtype(x, &dtype);
  if (status == MAAS_OK)
    status = maas_value_info_rank(x, &rank);
  if (status == MAAS_OK && (dtype != MAAS_DTYPE_FLOAT || rank > most))
    return maas_error_set(MAAS_UNSUPPORTED, "x must be of type float and have at most 8 dimensions");
  for (int64_t axis = 0; axis < rank && status == MAAS_OK; axis++)
    status = maas_value_info_dim(x, (size_t)axis, &sizes[axis], &symbols[axis]);
  return status != MAAS_OK ? status : maas_node_set_shape(node, 0, dtype, sizes, symbols, rank);
}

static maas_status elements(const maas_tensor *tensor, float **data, size_t *count) {
  void *bytes = NULL;
  maas_status status = maas_tensor_data(tensor, &bytes, NULL);
  *data = bytes;
  return status != MAAS_OK ? status : maas_tensor_elements(tensor, count);
}

static maas_status clip_compute(void *context, maas_node *node) {
  const maas_tensor *input = NULL;
  maas_tensor *output = NULL;
  float *x = NULL, *y = NULL, limit = 6, slope = 0; /* the defaults of the attributes */
  size_t count = 0;
  (void)context;
  maas_node_float(node, "limit", &limit);
  maas_node_float(node, "slope", &slope);
  if (limit < 0)
    return maas_error_set(MAAS_INVALID_MODEL, "the attribute 'limit' is negative");
  maas_status status = maas_node_input(node, 0, &input);
  if (status == MAAS_OK)
    status = maas_node_output(node, 0, &output);
  if (status == MAAS_OK)
    status = elements(input, &x, &count);
  if (status == MAAS_OK)
    status = elements(output, &y, &count);
  for (size_t i = 0; i < count && status == MAAS_OK; i++)
    y[i] = x[i] < 0 ? x[i] * slope : x[i] > limit ? limit : x[i];
  return status;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: operator MODEL\n");
    return 2;
  }
  maas_operators *operators = NULL;
  maas_session_options *options = NULL;
  maas_session *session = NULL;
  check(maas_operators_create(&operators));
  check(maas_operators_add(operators, "com.example", "LeakyClip", 1, clip_shape, clip_compute, NULL, NULL));
  check(maas_session_options_create(&options));
  check(maas_session_options_set_operators(options, operators));
  check(maas_session_open(argv[1], options, &session));
  /* The session keeps what it needs. */
  maas_session_options_close(options);
  maas_operators_close(operators);

  float numbers[] = {-2, 0.5f, 9}, results[3];
  const int64_t shape[] = {3};
  maas_tensor *input = NULL, *output = NULL;
  check(maas_tensor_borrow(MAAS_DTYPE_FLOAT, shape, 1, numbers, sizeof numbers, NULL, NULL, &input));
  check(maas_tensor_borrow(MAAS_DTYPE_FLOAT, shape, 1, results, sizeof results, NULL, NULL, &output));
  const maas_tensor *inputs[] = {input};
  check(maas_session_run(session, NULL, NULL, inputs, 1, NULL, &output, 1));
  printf("%g %g %g\n", results[0], results[1], results[2]);

  maas_tensor_close(input);
  maas_tensor_close(output);
  maas_session_close(session);
  return 0;
}
