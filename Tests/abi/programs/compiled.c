/* Compiled models: made on request beside an ONNX model, opened like one, refused when damaged. */
#include "check.h"

static void copy_fixture(const char *from, const char *to, size_t skip, int change) {
  size_t size = 0;
  unsigned char *bytes = fixture_bytes(from, &size);
  FILE *file = fopen(fixture(to), "wb");
  CHECK(file != NULL && skip < size);
  if (change >= 0)
    bytes[change] ^= 1;
  CHECK(fwrite(bytes, 1, size - skip, file) == size - skip);
  CHECK(fclose(file) == 0);
  free(bytes);
}

/* NAME.maas, compiled anew from a copy of digits.onnx. 0: by a library that says it cannot, the Embedded one. */
static int compile(const char *name) {
  maas_session_options *options = NULL;
  maas_session *session = NULL;
  char onnx[64], maas[64];
  snprintf(onnx, sizeof onnx, "%s.onnx", name);
  snprintf(maas, sizeof maas, "%s.maas", name);
  copy_fixture("digits.onnx", onnx, 0, -1);
  remove(fixture(maas));
  FAILS(maas_model_open(fixture(maas), NULL, &(maas_model *){NULL}), MAAS_NOT_FOUND, maas);
  OK(maas_session_options_create(&options));
  OK(maas_session_options_set(options, "rebuild", "true"));
  maas_status status = maas_session_open(fixture(maas), options, &session);
  int can = status != MAAS_UNSUPPORTED ||
            strstr(maas_error_message(), "this build of maas compiles no models") == NULL;
  OK(maas_session_options_close(options));
  if (can)
    expect_ok(status, "maas_session_open", __FILE__, __LINE__);
  OK(maas_session_close(session));
  return can;
}

/* What a session makes of one image of digits. */
static void scores(maas_session *session, float *result) {
  static float pixels[64];
  const int64_t shape[] = {1, 1, 8, 8};
  fill(pixels, 64);
  maas_tensor *input = borrowed(pixels, shape, 4), *output = NULL;
  const maas_tensor *inputs[] = {input};
  OK(maas_session_run(session, NULL, NULL, inputs, 1, NULL, &output, 1));
  memcpy(result, floats(output), 10 * sizeof *result);
  OK(maas_tensor_close(output));
  OK(maas_tensor_close(input));
}

/* Bit for bit those of the model itself, opened in the same way. */
static void same_answers_as(maas_session *original, maas_session *session) {
  float found[10], expected[10];
  scores(original, expected);
  scores(session, found);
  CHECK(memcmp(found, expected, sizeof found) == 0);
  OK(maas_session_close(original));
  OK(maas_session_close(session));
}

static void same_answers(maas_session *session) { same_answers_as(open_session("digits.onnx"), session); }

static void opened_in_all_ways(void) {
  if (!compile("ways"))
    return;
  same_answers(open_session("ways.maas"));
  same_answers(open_session_with("ways.maas", "copy", "true"));
  same_answers_as(open_session_with("digits.onnx", "optimization", "none"),
                  open_session_with("ways.maas", "optimization", "none"));
  size_t size = 0;
  unsigned char *bytes = fixture_bytes("ways.maas", &size);
  for (size_t shift = 0; shift < 2; shift++) {
    unsigned char *moved = malloc(size + shift);
    CHECK(moved != NULL);
    memcpy(moved + shift, bytes, size);
    maas_session *session = NULL;
    OK(maas_session_open_memory(moved + shift, size, NULL, NULL, NULL, &session));
    same_answers(session);
    free(moved);
  }
  free(bytes);
}

static void says_what_the_model_says(void) {
  if (!compile("says"))
    return;
  maas_model *model = open_model("says.maas"), *original = open_model("digits.onnx");
  for (int field = MAAS_MODEL_PRODUCER_NAME; field <= MAAS_MODEL_GRAPH_NAME; field++) {
    const char *text = NULL, *expected = NULL;
    OK(maas_model_text(model, (maas_model_field)field, &text));
    OK(maas_model_text(original, (maas_model_field)field, &expected));
    CHECK(strcmp(text, expected) == 0);
  }
  OK(maas_model_close(model));
  OK(maas_model_close(original));
}

static void damaged(void) {
  if (!compile("whole"))
    return;
  maas_model *model = NULL;
  copy_fixture("whole.maas", "cut.maas", 100, -1);
  FAILS(maas_model_open(fixture("cut.maas"), NULL, &model), MAAS_INVALID_MODEL, "damaged");
  copy_fixture("whole.maas", "changed.maas", 0, 80);
  FAILS(maas_model_open(fixture("changed.maas"), NULL, &model), MAAS_INVALID_MODEL, "checksum");
  copy_fixture("whole.maas", "newer.maas", 0, 17);
  FAILS(maas_model_open(fixture("newer.maas"), NULL, &model), MAAS_UNSUPPORTED, "format");
  CHECK(model == NULL);
}

static void rebuilt(void) {
  if (!compile("again"))
    return;
  copy_fixture("again.maas", "spoiled.maas", 0, 80);
  copy_fixture("digits.onnx", "spoiled.onnx", 0, -1);
  same_answers(open_session_with("spoiled.maas", "rebuild", "true"));
  same_answers(open_session("spoiled.maas"));
}

static const struct check checks[] = {
    {"opened in all ways", opened_in_all_ways},
    {"says what the model says", says_what_the_model_says},
    {"damaged", damaged},
    {"rebuilt", rebuilt},
};

int main(int argc, char **argv) { return run_checks(argc, argv, checks, COUNT(checks)); }
