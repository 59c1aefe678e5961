#ifndef MAAS_ONNX_H
#define MAAS_ONNX_H
/// What libonnx and libprotobuf, the authorities on ONNX files, say of a model. The only place that sees C++.
/// Nothing here is part of libmaas: the tools and the tests link it.
///
/// Texts come from malloc and belong to the caller: maas_onnx_text_free. Any thread may call anything, but
/// only one at a time with the same model.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A model as libprotobuf parsed it.
typedef struct maas_onnx_model maas_onnx_model;

/// Parses a whole file; NULL when libprotobuf refuses it (or it has 2 GB and more, which protobuf cannot
/// hold).
maas_onnx_model *maas_onnx_parse(const void *bytes, size_t size);
void maas_onnx_free(maas_onnx_model *model);

/// Whether two models are the same message; not-a-number equals itself.
bool maas_onnx_equal(const maas_onnx_model *a, const maas_onnx_model *b);
/// The model as libprotobuf writes it, from malloc; NULL when there is no memory for it.
void *maas_onnx_serialize(const maas_onnx_model *model, size_t *size);

typedef enum maas_onnx_verdict {
  MAAS_ONNX_SOUND,
  MAAS_ONNX_UNSOUND,
  MAAS_ONNX_NEWER, ///< Newer than this libonnx knows, so it was not checked.
} maas_onnx_verdict;

/// What is wrong and where; NULL for what is not known.
typedef struct maas_onnx_problem {
  char *node;
  char *op_type;
  char *reason;
} maas_onnx_problem;

/// Runs libonnx's checker and its shape inference (which changes the model: it adds the shapes that were
/// found). `path`, the model's file, lets the checker look for external data; NULL for a model from memory.
maas_onnx_verdict maas_onnx_check(const maas_onnx_model *model, const char *path, maas_onnx_problem *problem);
void maas_onnx_problem_free(maas_onnx_problem *problem);

/// The release of libonnx, e.g. "1.12.0".
const char *maas_onnx_version(void);

/// Prints the model in protobuf's text format to a file descriptor. Without `whole`, the numbers of large
/// tensors are left out and a comment says how many. Returns 0 or an errno value.
int maas_onnx_print(const maas_onnx_model *model, bool whole, int descriptor);

void maas_onnx_text_free(void *text);

#ifdef __cplusplus
}
#endif
#endif
