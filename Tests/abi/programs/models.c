/* Models and what they say about themselves. Expected values are those that make.py writes. */
#include "check.h"

static void expect_dim(const maas_value_info *value, size_t axis, int64_t size, const char *symbol) {
  int64_t found = -7;
  const char *name = untouched();
  OK(maas_value_info_dim(value, axis, &found, &name));
  CHECK(found == size);
  CHECK(symbol == NULL ? name == NULL : strcmp(name, symbol) == 0);
}

static void expect_value(const maas_value_info *value, const char *name, maas_dtype dtype, int64_t rank) {
  const char *found_name = NULL;
  maas_dtype found_dtype = MAAS_DTYPE_UNDEFINED;
  int64_t found_rank = -7;
  OK(maas_value_info_name(value, &found_name));
  OK(maas_value_info_dtype(value, &found_dtype));
  OK(maas_value_info_rank(value, &found_rank));
  CHECK(strcmp(found_name, name) == 0);
  CHECK(found_dtype == dtype);
  CHECK(found_rank == rank);
}

static void inputs_and_outputs(void) {
  maas_model *model = open_model("described.onnx");
  const maas_value_info *x = NULL, *picks = NULL, *y = NULL, *z = NULL;
  size_t inputs = 0, outputs = 0;
  OK(maas_model_input_count(model, &inputs));
  OK(maas_model_output_count(model, &outputs));
  CHECK(inputs == 2 && outputs == 2);
  OK(maas_model_input(model, 0, &x));
  OK(maas_model_input(model, 1, &picks));
  OK(maas_model_output(model, 0, &y));
  OK(maas_model_output(model, 1, &z));
  expect_value(x, "x", MAAS_DTYPE_FLOAT, 2);
  expect_value(picks, "picks", MAAS_DTYPE_INT64, 1);
  expect_value(y, "y", MAAS_DTYPE_FLOAT, 2);
  expect_dim(x, 0, -1, "batch");
  expect_dim(x, 1, 3, NULL);
  expect_dim(picks, 0, 2, NULL);
  expect_dim(y, 0, -1, "batch");
  expect_dim(z, 1, 3, NULL);
  int64_t size = -7;
  const char *symbol = NULL;
  OK(maas_value_info_dim(x, 1, &size, NULL));
  OK(maas_value_info_dim(x, 0, NULL, &symbol));
  CHECK(size == 3 && strcmp(symbol, "batch") == 0);
  OK(maas_model_close(model));
}

static void types(void) {
  static const char *const expected[] = {"seq(tensor(float))", "tensor(float)", "optional(tensor(float))",
                                         "tensor(string)"};
  maas_model *model = open_model("values.onnx");
  const maas_value_info *value = NULL;
  const char *type = NULL;
  for (size_t i = 0; i < COUNT(expected); i++) {
    OK(maas_model_input(model, i, &value));
    OK(maas_value_info_type(value, &type));
    CHECK(strcmp(type, expected[i]) == 0);
  }
  type = untouched();
  REFUSES_NULL(maas_value_info_type(NULL, &type), "value");
  REFUSES_NULL(maas_value_info_type(value, NULL), "type");
  CHECK(type == untouched());
  OK(maas_model_close(model));
}

static void indexes(void) {
  maas_model *model = open_model("described.onnx");
  size_t index = 99;
  OK(maas_model_input_index(model, "picks", &index));
  CHECK(index == 1);
  OK(maas_model_output_index(model, "y", &index));
  CHECK(index == 0);
  FAILS(maas_model_input_index(model, "pick", &index), MAAS_NOT_FOUND, "picks");
  FAILS(maas_model_output_index(model, "x", &index), MAAS_NOT_FOUND, "'x'");
  FAILS(maas_model_input_index(model, "scale", &index), MAAS_NOT_FOUND, "'scale'");
  CHECK(index == 0);
  OK(maas_model_close(model));
}

static void metadata(void) {
  static const struct {
    maas_model_field field;
    const char *text;
  } texts[] = {
      {MAAS_MODEL_PRODUCER_NAME, "abi-tests"}, {MAAS_MODEL_PRODUCER_VERSION, "4.2"},
      {MAAS_MODEL_DOMAIN, "org.example"},      {MAAS_MODEL_DESCRIPTION, "a model that describes itself"},
      {MAAS_MODEL_GRAPH_NAME, "described"},    {MAAS_MODEL_GRAPH_DESCRIPTION, "grüße"}};
  maas_model *model = open_model("described.onnx");
  for (size_t i = 0; i < COUNT(texts); i++) {
    const char *text = NULL;
    OK(maas_model_text(model, texts[i].field, &text));
    CHECK(strcmp(text, texts[i].text) == 0);
  }
  int64_t version = -1, ir = -1;
  OK(maas_model_version(model, &version));
  OK(maas_model_ir_version(model, &ir));
  CHECK(version == 77 && ir == 8);
  OK(maas_model_close(model));
}

static void lists(void) {
  maas_model *model = open_model("described.onnx");
  const char *domain = NULL, *key = NULL, *value = NULL;
  int64_t version = -1;
  size_t count = 0;
  OK(maas_model_opset_count(model, &count));
  CHECK(count == 2);
  OK(maas_model_opset(model, 0, &domain, &version));
  CHECK(strcmp(domain, "") == 0 && version == 17);
  OK(maas_model_opset(model, 1, &domain, NULL));
  OK(maas_model_opset(model, 1, NULL, &version));
  CHECK(strcmp(domain, "org.example.ops") == 0 && version == 3);
  OK(maas_model_metadata_count(model, &count));
  CHECK(count == 2);
  OK(maas_model_metadata(model, 0, &key, &value));
  CHECK(strcmp(key, "author") == 0 && strcmp(value, "somebody") == 0);
  OK(maas_model_metadata(model, 1, &key, NULL));
  OK(maas_model_metadata(model, 1, NULL, &value));
  CHECK(strcmp(key, "empty") == 0 && strcmp(value, "") == 0);
  OK(maas_model_close(model));
}

static void what_is_absent(void) {
  maas_model *model = open_model("five.onnx");
  const char *text = NULL;
  int64_t version = -1;
  size_t count = 99;
  OK(maas_model_text(model, MAAS_MODEL_GRAPH_DESCRIPTION, &text));
  CHECK(strcmp(text, "") == 0);
  OK(maas_model_version(model, &version));
  CHECK(version == 0);
  OK(maas_model_metadata_count(model, &count));
  CHECK(count == 0);
  OK(maas_model_close(model));
}

static void bad_indexes(void) {
  maas_model *model = open_model("described.onnx");
  const maas_value_info *value = untouched();
  const char *text = untouched();
  int64_t number = -7;
  const size_t beyond[] = {2, 1000, (size_t)1 << 63, SIZE_MAX};
  for (size_t i = 0; i < COUNT(beyond); i++) {
    FAILS(maas_model_input(model, beyond[i], &value), MAAS_INVALID_ARGUMENT, "less than 2");
    FAILS(maas_model_output(model, beyond[i], &value), MAAS_INVALID_ARGUMENT, "less than 2");
    FAILS(maas_model_opset(model, beyond[i], &text, &number), MAAS_INVALID_ARGUMENT, "less than 2");
    FAILS(maas_model_metadata(model, beyond[i], &text, &text), MAAS_INVALID_ARGUMENT, "less than 2");
  }
  FAILS(maas_model_text(model, (maas_model_field)6, &text), MAAS_INVALID_ARGUMENT, "less than 6");
  FAILS(maas_model_text(model, (maas_model_field)-1, &text), MAAS_INVALID_ARGUMENT, "field");
  CHECK(value == untouched() && text == untouched() && number == -7);

  OK(maas_model_input(model, 0, &value));
  FAILS(maas_value_info_dim(value, 2, &number, &text), MAAS_INVALID_ARGUMENT, "less than 2");
  FAILS(maas_value_info_dim(value, SIZE_MAX, &number, &text), MAAS_INVALID_ARGUMENT, "less than 2");
  CHECK(text == untouched() && number == -7);
  OK(maas_model_close(model));
}

static void opening_fails(void) {
  maas_model *model = untouched();
  size_t size = 0;
  unsigned char *bytes = fixture_bytes("five.onnx", &size);
  FAILS(maas_model_open("/no/such/folder/m.onnx", NULL, &model), MAAS_NOT_FOUND, "/no/such/folder/m.onnx");
  FAILS(maas_model_open("", NULL, &model), MAAS_NOT_FOUND, "cannot be opened");
  FAILS(maas_model_open(fixture(""), NULL, &model), MAAS_IO_ERROR, "directory");
  FAILS(maas_model_open(fixture("all.npy"), NULL, &model), MAAS_INVALID_MODEL, "all.npy");
  FAILS(maas_model_open_memory(bytes, size / 2, NULL, NULL, NULL, &model), MAAS_INVALID_MODEL, "");
  FAILS(maas_model_open_memory(bytes, 0, NULL, NULL, NULL, &model), MAAS_INVALID_MODEL, "");
  FAILS(maas_model_open_memory(NULL, 0, NULL, NULL, NULL, &model), MAAS_INVALID_MODEL, "");
  FAILS(maas_model_open_memory(bytes, SIZE_MAX, NULL, NULL, NULL, &model), MAAS_INVALID_ARGUMENT, "size");
  CHECK(model == untouched());
  free(bytes);
}

static void null_arguments(void) {
  maas_model *model = open_model("described.onnx"), *result = untouched();
  const maas_value_info *value = untouched();
  size_t count = 99;
  int64_t number = -7;
  const char *text = untouched();
  REFUSES_NULL(maas_model_open(NULL, NULL, &result), "path");
  REFUSES_NULL(maas_model_open(fixture("five.onnx"), NULL, NULL), "model");
  REFUSES_NULL(maas_model_open_memory(NULL, 5, NULL, NULL, NULL, &result), "bytes");
  REFUSES_NULL(maas_model_open_memory("12345", 5, NULL, NULL, NULL, NULL), "model");
  REFUSES_NULL(maas_model_input_count(NULL, &count), "model");
  REFUSES_NULL(maas_model_input_count(model, NULL), "count");
  REFUSES_NULL(maas_model_output_count(NULL, &count), "model");
  REFUSES_NULL(maas_model_output_count(model, NULL), "count");
  REFUSES_NULL(maas_model_input(NULL, 0, &value), "model");
  REFUSES_NULL(maas_model_input(model, 0, NULL), "value");
  REFUSES_NULL(maas_model_output(NULL, 0, &value), "model");
  REFUSES_NULL(maas_model_output(model, 0, NULL), "value");
  REFUSES_NULL(maas_model_input_index(NULL, "x", &count), "model");
  REFUSES_NULL(maas_model_input_index(model, NULL, &count), "name");
  REFUSES_NULL(maas_model_input_index(model, "x", NULL), "index");
  REFUSES_NULL(maas_model_output_index(NULL, "y", &count), "model");
  REFUSES_NULL(maas_model_output_index(model, NULL, &count), "name");
  REFUSES_NULL(maas_model_output_index(model, "y", NULL), "index");
  REFUSES_NULL(maas_model_text(NULL, MAAS_MODEL_DOMAIN, &text), "model");
  REFUSES_NULL(maas_model_text(model, MAAS_MODEL_DOMAIN, NULL), "text");
  REFUSES_NULL(maas_model_version(NULL, &number), "model");
  REFUSES_NULL(maas_model_version(model, NULL), "version");
  REFUSES_NULL(maas_model_ir_version(NULL, &number), "model");
  REFUSES_NULL(maas_model_ir_version(model, NULL), "version");
  REFUSES_NULL(maas_model_opset_count(NULL, &count), "model");
  REFUSES_NULL(maas_model_opset_count(model, NULL), "count");
  REFUSES_NULL(maas_model_opset(NULL, 0, &text, &number), "model");
  REFUSES_NULL(maas_model_metadata_count(NULL, &count), "model");
  REFUSES_NULL(maas_model_metadata_count(model, NULL), "count");
  REFUSES_NULL(maas_model_metadata(NULL, 0, &text, &text), "model");
  OK(maas_model_opset(model, 0, NULL, NULL));
  OK(maas_model_metadata(model, 0, NULL, NULL));
  CHECK(result == untouched() && value == untouched() && count == 99 && number == -7 && text == untouched());
  OK(maas_model_close(NULL));
  OK(maas_model_close(model));
}

static void null_values(void) {
  maas_model *model = open_model("described.onnx");
  const maas_value_info *value = NULL;
  const char *text = untouched();
  maas_dtype dtype = MAAS_DTYPE_BOOL;
  int64_t number = -7;
  OK(maas_model_input(model, 0, &value));
  REFUSES_NULL(maas_value_info_name(NULL, &text), "value");
  REFUSES_NULL(maas_value_info_name(value, NULL), "name");
  REFUSES_NULL(maas_value_info_dtype(NULL, &dtype), "value");
  REFUSES_NULL(maas_value_info_dtype(value, NULL), "dtype");
  REFUSES_NULL(maas_value_info_rank(NULL, &number), "value");
  REFUSES_NULL(maas_value_info_rank(value, NULL), "rank");
  REFUSES_NULL(maas_value_info_dim(NULL, 0, &number, &text), "value");
  OK(maas_value_info_dim(value, 0, NULL, NULL));
  CHECK(text == untouched() && dtype == MAAS_DTYPE_BOOL && number == -7);
  OK(maas_model_close(model));
}

int main(int argc, char **argv) {
  static const struct check checks[] = {{"inputs and outputs", inputs_and_outputs},
                                        {"types", types},
                                        {"indexes by name", indexes},
                                        {"metadata", metadata},
                                        {"opsets and properties", lists},
                                        {"absent metadata", what_is_absent},
                                        {"bad indexes", bad_indexes},
                                        {"models that do not open", opening_fails},
                                        {"models and NULL", null_arguments},
                                        {"values and NULL", null_values}};
  return run_checks(argc, argv, checks, COUNT(checks));
}
