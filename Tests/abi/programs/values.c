/* Tensors of strings, and values that are more than a tensor. */
#include "check.h"

static const int64_t two[] = {2}, three[] = {3};

static maas_tensor *strings(const char *const *texts, const size_t *lengths, const int64_t *shape) {
  maas_tensor *tensor = NULL;
  OK(maas_tensor_create_strings(shape, 1, texts, lengths, (size_t)shape[0], &tensor));
  return tensor;
}

static void expect_string(const maas_tensor *tensor, size_t index, const char *text, size_t size) {
  const char *bytes = NULL;
  size_t length = 99;
  OK(maas_tensor_string(tensor, index, &bytes, &length));
  CHECK(length == size && memcmp(bytes, text, size) == 0);
}

static void tensors_of_strings(void) {
  char changing[] = "drei";
  const char *texts[] = {"", "zw\xc3\xb6lf", changing};
  maas_tensor *tensor = strings(texts, NULL, three);
  changing[0] = 'x';
  maas_dtype dtype = MAAS_DTYPE_UNDEFINED;
  size_t elements = 0;
  OK(maas_tensor_dtype(tensor, &dtype));
  OK(maas_tensor_elements(tensor, &elements));
  CHECK(dtype == MAAS_DTYPE_STRING && elements == 3);
  expect_string(tensor, 0, "", 0);
  expect_string(tensor, 1, "zw\xc3\xb6lf", 6);
  expect_string(tensor, 2, "drei", 4);
  OK(maas_tensor_close(tensor));
}

/* With lengths, strings may hold any byte. */
static void strings_of_any_bytes(void) {
  const char *texts[] = {"a\0b", "\xff\xfe"};
  const size_t lengths[] = {3, 2};
  maas_tensor *tensor = strings(texts, lengths, two);
  expect_string(tensor, 0, "a\0b", 3);
  expect_string(tensor, 1, "\xff\xfe", 2);
  char all[9] = "........";
  size_t size = 0;
  OK(maas_tensor_strings(tensor, NULL, 0, &size));
  CHECK(size == 7);
  FAILS(maas_tensor_strings(tensor, all, 6, &size), MAAS_BUFFER_TOO_SMALL, "7 bytes");
  OK(maas_tensor_strings(tensor, all, sizeof all, &size));
  CHECK(size == 7 && memcmp(all, "a\0b\0\xff\xfe\0.", 9) == 0);
  OK(maas_tensor_close(tensor));

  maas_tensor *empty = NULL;
  const int64_t none[] = {0};
  OK(maas_tensor_create_strings(none, 1, NULL, NULL, 0, &empty));
  OK(maas_tensor_close(empty));
}

/* Strings of a language that counts their bytes. */
typedef struct counted {
  const char *bytes;
  size_t length;
} counted;

static const char *read_counted(void *item, size_t *length) {
  const counted *read = item;
  *length = read->length;
  return read->bytes;
}

static void *count_bytes(const char *bytes, size_t length, const char *context) {
  CHECK(strcmp(context, "context") == 0 && bytes);
  return length == 9 ? NULL : calloc(1, length + 1);
}

static void strings_of_another_language(void) {
  counted pairs[] = {{"a\0b", 3}, {"", 0}, {NULL, 0}};
  void *items[] = {&pairs[0], &pairs[1]}, *results[2] = {NULL, NULL};
  maas_tensor *tensor = NULL;
  OK(maas_tensor_read_strings(two, 1, items, read_counted, 2, &tensor));
  expect_string(tensor, 0, "a\0b", 3);
  expect_string(tensor, 1, "", 0);
  OK(maas_tensor_map_strings(tensor, count_bytes, "context", results));
  CHECK(results[0] && results[1]);
  free(results[0]);
  free(results[1]);
  REFUSES_NULL(maas_tensor_map_strings(tensor, NULL, "context", results), "make");
  REFUSES_NULL(maas_tensor_map_strings(tensor, count_bytes, "context", NULL), "results");
  OK(maas_tensor_close(tensor));
  items[1] = &pairs[2];
  FAILS(maas_tensor_read_strings(two, 1, items, read_counted, 2, &tensor), MAAS_INVALID_ARGUMENT, "item 1");
  items[1] = NULL;
  REFUSES_NULL(maas_tensor_read_strings(two, 1, items, read_counted, 2, &tensor), "items[i]");
  REFUSES_NULL(maas_tensor_read_strings(two, 1, items, NULL, 2, &tensor), "read");
  FAILS(maas_tensor_read_strings(three, 1, items, read_counted, 2, &tensor), MAAS_SHAPE_MISMATCH,
        "expected 3");
  const char *nine[] = {"nine byte"};
  const int64_t one[] = {1};
  tensor = strings(nine, NULL, one);
  FAILS(maas_tensor_map_strings(tensor, count_bytes, "context", results), MAAS_OUT_OF_MEMORY, "string 0");
  OK(maas_tensor_close(tensor));
}

static void strings_refused(void) {
  const char *texts[] = {"one", "two"}, *missing[] = {"one", NULL};
  const size_t negative[] = {1, SIZE_MAX};
  const int64_t below[] = {-2};
  maas_tensor *tensor = untouched();
  const char *bytes = untouched();
  size_t length = 99;
  FAILS(maas_tensor_create_strings(three, 1, texts, NULL, 2, &tensor), MAAS_SHAPE_MISMATCH, "3");
  FAILS(maas_tensor_create_strings(below, 1, texts, NULL, 2, &tensor), MAAS_SHAPE_MISMATCH, "-2");
  FAILS(maas_tensor_create_strings(two, 1, texts, negative, 2, &tensor), MAAS_INVALID_ARGUMENT, "length");
  REFUSES_NULL(maas_tensor_create_strings(two, 1, missing, NULL, 2, &tensor), "strings[i]");
  REFUSES_NULL(maas_tensor_create_strings(two, 1, NULL, NULL, 2, &tensor), "strings");
  const int64_t huge[] = {INT64_C(1) << 40};
  REFUSES_NULL(maas_tensor_create_strings(huge, 1, NULL, NULL, (size_t)1 << 40, &tensor), "strings");
  REFUSES_NULL(maas_tensor_create_strings(NULL, 1, texts, NULL, 2, &tensor), "shape");
  REFUSES_NULL(maas_tensor_create_strings(two, 1, texts, NULL, 2, NULL), "tensor");
  CHECK(tensor == untouched());

  tensor = strings(texts, NULL, two);
  FAILS(maas_tensor_string(tensor, 2, &bytes, &length), MAAS_INVALID_ARGUMENT, "less than 2");
  FAILS(maas_tensor_string(tensor, SIZE_MAX, &bytes, &length), MAAS_INVALID_ARGUMENT, "less than 2");
  REFUSES_NULL(maas_tensor_string(NULL, 0, &bytes, &length), "tensor");
  REFUSES_NULL(maas_tensor_string(tensor, 0, NULL, &length), "bytes");
  REFUSES_NULL(maas_tensor_string(tensor, 0, &bytes, NULL), "length");
  REFUSES_NULL(maas_tensor_strings(NULL, NULL, 0, &length), "tensor");
  REFUSES_NULL(maas_tensor_strings(tensor, NULL, 0, NULL), "bytes");
  OK(maas_tensor_close(tensor));
  OK(maas_tensor_create(MAAS_DTYPE_FLOAT, two, 1, &tensor));
  FAILS(maas_tensor_string(tensor, 0, &bytes, &length), MAAS_TYPE_MISMATCH, "float");
  FAILS(maas_tensor_strings(tensor, NULL, 0, &length), MAAS_TYPE_MISMATCH, "float");
  OK(maas_tensor_close(tensor));
  CHECK(bytes == untouched() && length == 99);
}

static maas_value *of(maas_tensor *tensor) {
  maas_value *value = NULL;
  OK(maas_value_of_tensor(tensor, &value));
  OK(maas_tensor_close(tensor));
  return value;
}

static maas_value *pair(float first, float second) {
  float numbers[] = {first, second};
  maas_tensor *tensor = NULL;
  OK(maas_tensor_copy(MAAS_DTYPE_FLOAT, two, 1, numbers, sizeof numbers, &tensor));
  return of(tensor);
}

/* Closes the elements: the sequence keeps them. */
static maas_value *sequence(maas_value **elements, size_t count) {
  maas_value *value = NULL;
  OK(maas_value_sequence((const maas_value *const *)elements, count, &value));
  for (size_t i = 0; i < count; i++)
    OK(maas_value_close(elements[i]));
  return value;
}

static maas_value *optional(maas_value *content) {
  maas_value *value = NULL;
  OK(maas_value_optional(content, &value));
  OK(maas_value_close(content));
  return value;
}

static void expect(const maas_value *value, maas_value_kind kind, size_t count) {
  maas_value_kind found = MAAS_VALUE_KIND_ENUM_IS_INT;
  size_t elements = 99;
  OK(maas_value_get_kind(value, &found));
  OK(maas_value_count(value, &elements));
  CHECK(found == kind && elements == count);
}

static void expect_pair(const maas_value *value, size_t index, float first) {
  maas_value *element = NULL;
  maas_tensor *tensor = NULL;
  OK(maas_value_element(value, index, &element));
  OK(maas_value_tensor(element, &tensor));
  OK(maas_value_close(element));
  CHECK(floats(tensor)[0] == first);
  OK(maas_tensor_close(tensor));
}

static void made_of_others(void) {
  maas_value *elements[] = {pair(1, 2), pair(3, 4)};
  maas_value *list = sequence(elements, 2), *nothing = optional(NULL);
  expect(list, MAAS_VALUE_SEQUENCE, 2);
  expect_pair(list, 1, 3);
  expect(nothing, MAAS_VALUE_OPTIONAL, 0);
  maas_value *something = optional(list), *inner = NULL;
  expect(something, MAAS_VALUE_OPTIONAL, 1);
  OK(maas_value_element(something, 0, &inner));
  OK(maas_value_close(something));
  expect(inner, MAAS_VALUE_SEQUENCE, 2);
  expect_pair(inner, 0, 1);
  maas_value *single = pair(5, 6);
  expect(single, MAAS_VALUE_TENSOR, 1);
  OK(maas_value_close(single));
  OK(maas_value_close(inner));
  OK(maas_value_close(nothing));
}

static void maps(void) {
  const char *names[] = {"cat", "dog"};
  float numbers[] = {0.25f, 0.75f};
  maas_tensor *keys = strings(names, NULL, two), *elements = borrowed(numbers, two, 1);
  maas_tensor *short_one = borrowed(numbers, (const int64_t[]){1}, 1), *found_keys = NULL, *found = NULL;
  maas_value *map = untouched();
  FAILS(maas_value_map(keys, short_one, &map), MAAS_SHAPE_MISMATCH, "[1]");
  FAILS(maas_value_map(elements, elements, &map), MAAS_TYPE_MISMATCH, "float");
  REFUSES_NULL(maas_value_map(NULL, elements, &map), "keys");
  REFUSES_NULL(maas_value_map(keys, NULL, &map), "elements");
  REFUSES_NULL(maas_value_map(keys, elements, NULL), "value");
  CHECK(map == untouched());
  OK(maas_value_map(keys, elements, &map));
  OK(maas_tensor_close(keys));
  OK(maas_tensor_close(elements));
  OK(maas_tensor_close(short_one));
  expect(map, MAAS_VALUE_MAP, 1);
  OK(maas_value_map_entries(map, &found_keys, &found));
  OK(maas_value_map_entries(map, NULL, NULL));
  OK(maas_value_close(map));
  expect_string(found_keys, 1, "dog", 3);
  CHECK(floats(found)[1] == 0.75f);
  OK(maas_tensor_close(found_keys));
  OK(maas_tensor_close(found));
}

static void values_refused(void) {
  maas_value *value = untouched(), *single = pair(1, 2), *missing[] = {single, NULL};
  maas_tensor *tensor = untouched();
  maas_value_kind kind = MAAS_VALUE_MAP;
  size_t count = 99;
  REFUSES_NULL(maas_value_of_tensor(NULL, &value), "tensor");
  REFUSES_NULL(maas_value_sequence((const maas_value *const *)missing, 2, &value), "elements[i]");
  REFUSES_NULL(maas_value_sequence(NULL, 1, &value), "elements");
  FAILS(maas_value_sequence(NULL, SIZE_MAX, &value), MAAS_INVALID_ARGUMENT, "count");
  REFUSES_NULL(maas_value_sequence(NULL, 0, NULL), "value");
  REFUSES_NULL(maas_value_optional(NULL, NULL), "value");
  REFUSES_NULL(maas_value_get_kind(NULL, &kind), "value");
  REFUSES_NULL(maas_value_get_kind(single, NULL), "kind");
  REFUSES_NULL(maas_value_count(NULL, &count), "value");
  REFUSES_NULL(maas_value_count(single, NULL), "count");
  REFUSES_NULL(maas_value_element(NULL, 0, &value), "value");
  REFUSES_NULL(maas_value_element(single, 0, NULL), "element");
  REFUSES_NULL(maas_value_tensor(NULL, &tensor), "value");
  REFUSES_NULL(maas_value_tensor(single, NULL), "tensor");
  REFUSES_NULL(maas_value_map_entries(NULL, &tensor, &tensor), "value");
  FAILS(maas_value_element(single, 1, &value), MAAS_INVALID_ARGUMENT, "less than 1");
  FAILS(maas_value_map_entries(single, &tensor, &tensor), MAAS_TYPE_MISMATCH, "map");
  maas_value *list = sequence(&single, 1);
  FAILS(maas_value_tensor(list, &tensor), MAAS_TYPE_MISMATCH, "sequence");
  CHECK(value == untouched() && tensor == untouched() && count == 99 && kind == MAAS_VALUE_MAP);
  OK(maas_value_close(NULL));
  OK(maas_value_close(list));
}

/* Nesting has a limit, so that no walk over a value needs much stack. */
static void deep_nesting(void) {
  maas_value *value = pair(1, 2), *deeper = NULL;
  maas_status status = MAAS_OK;
  for (int i = 0; i < 1000000 && status == MAAS_OK; i++) {
    status = maas_value_optional(value, &deeper);
    if (status == MAAS_OK) {
      OK(maas_value_close(value));
      value = deeper;
    }
  }
  FAILS(status, MAAS_LIMIT_EXCEEDED, "nested");
  OK(maas_value_close(value));
}

static int64_t whole(const maas_value *value) {
  maas_tensor *tensor = NULL;
  void *data = NULL;
  size_t bytes = 0;
  OK(maas_value_tensor(value, &tensor));
  OK(maas_tensor_data(tensor, &data, &bytes));
  int64_t number = bytes == sizeof number ? *(int64_t *)data : *(unsigned char *)data;
  OK(maas_tensor_close(tensor));
  return number;
}

static void run_with_values(void) {
  const char *texts[] = {"red", "green"};
  const char *input_names[] = {"words", "o", "x", "s"};
  const char *output_names[] = {"twice", "given", "count", "longer"};
  maas_session *session = open_session("values.onnx");
  for (int given = 0; given < 2; given++) {
    maas_value *elements[] = {pair(1, 2), pair(3, 4)};
    maas_value *inputs[] = {of(strings(texts, NULL, two)), optional(given ? pair(7, 8) : NULL), pair(5, 6),
                            sequence(elements, 2)};
    maas_value *outputs[] = {untouched(), untouched(), untouched(), untouched()};
    OK(maas_session_run_values(session, NULL, input_names, (const maas_value *const *)inputs, 4, output_names,
                               outputs, 4));
    for (int i = 0; i < 4; i++)
      OK(maas_value_close(inputs[i]));
    maas_tensor *twice = NULL;
    OK(maas_value_tensor(outputs[0], &twice));
    expect_string(twice, 3, "green", 5);
    OK(maas_tensor_close(twice));
    CHECK(whole(outputs[1]) == given);
    CHECK(whole(outputs[2]) == 3);
    expect(outputs[3], MAAS_VALUE_SEQUENCE, 3);
    expect_pair(outputs[3], 2, 5);
    for (int i = 0; i < 4; i++)
      OK(maas_value_close(outputs[i]));
  }
  OK(maas_session_close(session));
}

static void runs_refused(void) {
  maas_session *session = open_session("five.onnx");
  static float x[16];
  maas_value *good = of(borrowed(x, (const int64_t[]){1, 16}, 2)), *wrong = sequence(NULL, 0);
  maas_value *output = untouched();
  const maas_value *goods[] = {good, good}, *wrongs[] = {wrong}, *null[] = {NULL};
  const char *unknown[] = {"z"}, *none[] = {NULL}, *twice[] = {"y", "y"};
  maas_value *outputs[] = {untouched(), untouched()};
  FAILS(maas_session_run_values(session, NULL, NULL, wrongs, 1, NULL, &output, 1), MAAS_TYPE_MISMATCH, "'x'");
  FAILS(maas_session_run_values(session, NULL, unknown, goods, 1, NULL, &output, 1), MAAS_NOT_FOUND, "'x'");
  FAILS(maas_session_run_values(session, NULL, NULL, goods, 1, unknown, &output, 1), MAAS_NOT_FOUND, "'y'");
  FAILS(maas_session_run_values(session, NULL, NULL, goods, 2, NULL, &output, 1), MAAS_INVALID_ARGUMENT,
        "more");
  FAILS(maas_session_run_values(session, NULL, NULL, NULL, 0, NULL, &output, 1), MAAS_MISSING_INPUT, "'x'");
  FAILS(maas_session_run_values(session, NULL, NULL, goods, 1, twice, outputs, 2), MAAS_INVALID_ARGUMENT,
        "twice");
  FAILS(maas_session_run_values(session, NULL, NULL, goods, SIZE_MAX, NULL, &output, 1),
        MAAS_INVALID_ARGUMENT, "input_count");
  FAILS(maas_session_run_values(session, NULL, NULL, goods, 1, NULL, &output, SIZE_MAX),
        MAAS_INVALID_ARGUMENT, "output_count");
  REFUSES_NULL(maas_session_run_values(NULL, NULL, NULL, goods, 1, NULL, &output, 1), "session");
  REFUSES_NULL(maas_session_run_values(session, NULL, NULL, NULL, 1, NULL, &output, 1), "inputs");
  REFUSES_NULL(maas_session_run_values(session, NULL, NULL, null, 1, NULL, &output, 1), "inputs[i]");
  REFUSES_NULL(maas_session_run_values(session, NULL, none, goods, 1, NULL, &output, 1), "input_names[i]");
  REFUSES_NULL(maas_session_run_values(session, NULL, NULL, goods, 1, none, &output, 1), "output_names[i]");
  REFUSES_NULL(maas_session_run_values(session, NULL, NULL, goods, 1, NULL, NULL, 1), "outputs");
  CHECK(output == untouched() && outputs[0] == untouched() && outputs[1] == untouched());
  OK(maas_value_close(good));
  OK(maas_value_close(wrong));
  OK(maas_session_close(session));
}

int main(int argc, char **argv) {
  static const struct check checks[] = {{"tensors of strings", tensors_of_strings},
                                        {"strings of any bytes", strings_of_any_bytes},
                                        {"strings of another language", strings_of_another_language},
                                        {"refused strings", strings_refused},
                                        {"values made of others", made_of_others},
                                        {"maps", maps},
                                        {"refused values", values_refused},
                                        {"deep nesting", deep_nesting},
                                        {"run with values", run_with_values},
                                        {"refused runs with values", runs_refused}};
  return run_checks(argc, argv, checks, COUNT(checks));
}
