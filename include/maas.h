/* SPDX-License-Identifier: Apache-2.0
 *
 * maas: loads ONNX models and runs them on CPUs. This header is the whole C interface of libmaas.
 *
 *   const int64_t shape[] = {1, 64};
 *   maas_session *session = NULL;
 *   maas_tensor *input = NULL, *output = NULL;
 *   if (maas_session_open("model.onnx", NULL, &session) ||
 *       maas_tensor_borrow(MAAS_DTYPE_FLOAT, shape, 2, pixels, sizeof pixels, NULL, NULL, &input) ||
 *       maas_session_run(session, NULL, NULL, &input, 1, NULL, &output, 1))
 *     fprintf(stderr, "%s\n", maas_error_message());
 *
 * Rules that hold for every function, unless its comment says otherwise:
 *
 * Status    A function that can fail returns a maas_status. When it is not MAAS_OK, maas_error_message() has
 *           the reason as one sentence, nothing was written through the out-parameters, and the library and
 *           all handles can be used as before. No input, however wrong, ends the process.
 * Handles   Opaque. Who gets one through an out-parameter of type `maas_x **` closes it with maas_x_close().
 *           Handles keep what they need: closing in any order is right, e.g. a model before its session.
 *           Closing NULL does nothing. A handle must not be closed while another thread is inside a call on
 *           it.
 * Pointers  `const` pointers that a getter hands out belong to the handle and live as long as it does. A
 *           pointer argument must not be NULL unless its comment allows it; NULL is answered with
 *           MAAS_INVALID_ARGUMENT. Strings are UTF-8 and end with a zero byte. Arrays come with their length.
 * Threads   Any function may be called on any thread at any time. Sessions, models and values may be used by
 *           any number of threads at once. Option objects, tensors and bindings may move between threads, but
 *           must not be changed by one thread while another uses them.
 * Growth    Names and numbers are never reused or changed within an ABI major version; new ones are added.
 */
#ifndef MAAS_H
#define MAAS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define MAAS_API __attribute__((visibility("default")))
#else
#define MAAS_API
#endif

/* ---- Version ------------------------------------------------------------------------------------------- */

/** Version of the product this header belongs to. */
#define MAAS_VERSION "0.1.0"

/** ABI of this header. A library with the same major and at least this minor number serves it. */
#define MAAS_ABI_MAJOR 1
#define MAAS_ABI_MINOR 1
#define MAAS_ABI_VERSION ((MAAS_ABI_MAJOR << 16) | MAAS_ABI_MINOR)

/** The product version of the loaded library, e.g. "0.1.0". Never fails; the text is constant. */
MAAS_API const char *maas_version(void);

/** The ABI of the loaded library as `major << 16 | minor`; compare it with MAAS_ABI_VERSION. Never fails. */
MAAS_API uint32_t maas_abi_version(void);

/* ---- Status and errors --------------------------------------------------------------------------------- */

/**
 * Every status, once: X(name, number, text). The enum below, maas_status_name() and maas_status_text() are
 * made of this list, and `MaasError.Code` in Swift has the same numbers.
 */
#define MAAS_STATUS_LIST(X)                                                                                  \
  X(MAAS_OK, 0, "success")                                                                                   \
  X(MAAS_INVALID_ARGUMENT, 1, "an argument of the call is not allowed")                                      \
  X(MAAS_NOT_FOUND, 2, "no file, input, output, option or key has this name")                                \
  X(MAAS_IO_ERROR, 3, "a file cannot be opened, read or written")                                            \
  X(MAAS_INVALID_MODEL, 4, "the model is damaged or breaks a rule of ONNX")                                  \
  X(MAAS_UNSUPPORTED, 5, "the model or call uses something this version of maas does not know")              \
  X(MAAS_TYPE_MISMATCH, 6, "a tensor has another element type than expected")                                \
  X(MAAS_SHAPE_MISMATCH, 7, "a tensor has another rank or dimension than expected")                          \
  X(MAAS_OUT_OF_RANGE, 8, "a value met during the run is outside what the operator defines")                 \
  X(MAAS_OUT_OF_MEMORY, 9, "memory ran out")                                                                 \
  X(MAAS_LIMIT_EXCEEDED, 10, "the memory limit or another limit was reached")                                \
  X(MAAS_CANCELLED, 11, "the run was cancelled by the caller")                                               \
  X(MAAS_DEADLINE_EXCEEDED, 12, "the run did not finish before its deadline")                                \
  X(MAAS_INTERNAL, 13, "a defect in maas; please report it")                                                 \
  X(MAAS_MISSING_INPUT, 14, "a required input was not given")                                                \
  X(MAAS_BUFFER_TOO_SMALL, 15, "a caller's buffer cannot hold the result")                                   \
  X(MAAS_BUSY, 16, "the handle is in use by another thread")                                                 \
  X(MAAS_NOT_READY, 17, "the result does not exist yet")

typedef enum maas_status {
  MAAS_STATUS_ENUM_IS_INT = 0x7fffffff, /**< Not a status: fixes the size of the enum. */
#define MAAS_STATUS_ENTRY(name, number, text) name = number,
  MAAS_STATUS_LIST(MAAS_STATUS_ENTRY)
#undef MAAS_STATUS_ENTRY
} maas_status;

/** The name of a status, e.g. "MAAS_SHAPE_MISMATCH"; "MAAS_UNKNOWN_STATUS" for a number that is none. */
MAAS_API const char *maas_status_name(maas_status status);

/** What a status means in general, e.g. "a required input was not given". Constant text, never NULL. */
MAAS_API const char *maas_status_text(maas_status status);

/**
 * The reason of the last failure on the calling thread: one sentence, on one line, with the file, node, tensor,
 * the expected and the found. "" before the first failure; a successful call does not change it. Never NULL.
 * Valid until the next failing call on this thread.
 */
MAAS_API const char *maas_error_message(void);

/**
 * Sets the calling thread's message, for callbacks that fail: `return maas_error_set(MAAS_OUT_OF_RANGE, "k is
 * negative");`. Gives `status` back. `message` NULL changes nothing.
 */
MAAS_API maas_status maas_error_set(maas_status status, const char *message);

/* ---- Handles and shared types -------------------------------------------------------------------------- */

typedef struct maas_model maas_model;           /**< A loaded model: graph, weights, metadata. */
typedef struct maas_value_info maas_value_info; /**< Description of one input or output of a model. */
typedef struct maas_value maas_value;           /**< A tensor, or tensors in a sequence, optional or map. */
typedef struct maas_session_options maas_session_options; /**< How to load and run a model. */
typedef struct maas_session maas_session;                 /**< A model made ready to run. */
typedef struct maas_run_options maas_run_options;         /**< Cancel flag and deadline of runs. */
typedef struct maas_tensor maas_tensor;                   /**< An n-dimensional dense array, row-major. */
typedef struct maas_binding maas_binding;     /**< Inputs and outputs bound once, run many times. */
typedef struct maas_operators maas_operators; /**< Operators of the caller's own. */
typedef struct maas_node maas_node;           /**< A node of such an operator, as its callbacks see it. */
typedef struct maas_quantization maas_quantization; /**< How to quantize a model. */
typedef struct maas_sample maas_sample;             /**< Inputs of one run, while a callback gives them. */
typedef struct maas_trainer_options maas_trainer_options; /**< How to train a network. */
typedef struct maas_trainer maas_trainer;                 /**< A network in training. */
typedef struct maas_dataset maas_dataset;                 /**< Samples: features, targets and weights. */
typedef struct maas_epoch maas_epoch;                     /**< What a callback is told of an epoch. */

/** Element types; the numbers are those of ONNX's TensorProto.DataType. */
typedef enum maas_dtype {
  MAAS_DTYPE_UNDEFINED = 0,
  MAAS_DTYPE_FLOAT = 1,
  MAAS_DTYPE_UINT8 = 2,
  MAAS_DTYPE_INT8 = 3,
  MAAS_DTYPE_UINT16 = 4,
  MAAS_DTYPE_INT16 = 5,
  MAAS_DTYPE_INT32 = 6,
  MAAS_DTYPE_INT64 = 7,
  MAAS_DTYPE_STRING = 8,
  MAAS_DTYPE_BOOL = 9, /**< One byte per element, 0 or 1. */
  MAAS_DTYPE_FLOAT16 = 10,
  MAAS_DTYPE_DOUBLE = 11,
  MAAS_DTYPE_UINT32 = 12,
  MAAS_DTYPE_UINT64 = 13,
  MAAS_DTYPE_COMPLEX64 = 14,
  MAAS_DTYPE_COMPLEX128 = 15,
  MAAS_DTYPE_BFLOAT16 = 16,
  MAAS_DTYPE_FLOAT8E4M3FN = 17,
  MAAS_DTYPE_FLOAT8E4M3FNUZ = 18,
  MAAS_DTYPE_FLOAT8E5M2 = 19,
  MAAS_DTYPE_FLOAT8E5M2FNUZ = 20,
  MAAS_DTYPE_UINT4 =
      21, /**< Two elements per byte, the first in the low half; so are the other 4-bit types. */
  MAAS_DTYPE_INT4 = 22,
  MAAS_DTYPE_FLOAT4E2M1 = 23,
  MAAS_DTYPE_FLOAT8E8M0 = 24,
  MAAS_DTYPE_UINT2 = 25, /**< Four elements per byte, the first in the lowest bits. */
  MAAS_DTYPE_INT2 = 26,
  MAAS_DTYPE_ENUM_IS_INT = 0x7fffffff /**< Not a type: fixes the size of the enum. */
} maas_dtype;

/** The name of an element type as ONNX writes it in lower case, e.g. "float", "int64"; "undefined" if
 * unknown. */
MAAS_API const char *maas_dtype_name(maas_dtype dtype);

/** Bits of one element; 0 for strings and unknown types. */
MAAS_API size_t maas_dtype_bits(maas_dtype dtype);

/**
 * Tells that maas no longer needs memory it borrowed. Called once, on any thread, possibly inside the closing
 * call; it must not call maas. `context` is what was given together with the function.
 */
typedef void (*maas_release)(void *context);

/** Releases a text that maas gave through a `char **`. NULL does nothing. */
MAAS_API void maas_text_free(char *text);

/* ---- Log ----------------------------------------------------------------------------------------------- */

typedef enum maas_log_level {
  MAAS_LOG_ERROR = 0,               /**< A call failed; the text is that of maas_error_message(). */
  MAAS_LOG_WARNING = 1,             /**< Something was ignored or will be slow. No line of this version. */
  MAAS_LOG_INFO = 2,                /**< One line per rare event: model loaded, session ready. */
  MAAS_LOG_DEBUG = 3,               /**< What the optimizer and planner decided. No line of this version. */
  MAAS_LOG_ENUM_IS_INT = 0x7fffffff /**< Not a level: fixes the size of the enum. */
} maas_log_level;

/** Receives one log line, without a line end. Called on the thread that logs, never during a run's steps. */
typedef void (*maas_log_callback)(void *context, maas_log_level level, const char *message);

/**
 * Sends log lines of this level and below to `callback`, for the whole process; replaces the one before. NULL
 * turns logging off, which is how a process starts. When the call returns, other threads may still be inside
 * the callback before it. The callback must not call this function.
 */
MAAS_API maas_status maas_log_set_callback(maas_log_level level, maas_log_callback callback, void *context);

/* ---- Threads ------------------------------------------------------------------------------------------- */

/** The most threads one run can use. */
#define MAAS_MAXIMUM_THREADS 256

/**
 * Sets how many threads of the process's pool one run uses, the calling thread included, in sessions made
 * from now on that do not set the option `threads`; 0 means one for each CPU that the affinity mask and the
 * cgroup quota allow, which is the default. A run never uses more threads than that, whatever is set; the
 * environment variable MAAS_CPUS says another number of CPUs, read when the process first runs a model. All
 * sessions share the pool; its threads start at the first run that wants them. Results never depend on the
 * number. MAAS_INVALID_ARGUMENT: more than MAAS_MAXIMUM_THREADS.
 */
MAAS_API maas_status maas_pool_set_threads(size_t threads);

/** The number that maas_pool_set_threads() set, or the number of CPUs that stands for 0. At least 1. */
MAAS_API maas_status maas_pool_threads(size_t *threads);

/* ---- Session options ----------------------------------------------------------------------------------- */

/**
 * Options with their default values. An options object is read when it is passed to a function and may be
 * changed or closed afterwards. Every function that takes one accepts NULL for the defaults.
 */
MAAS_API maas_status maas_session_options_create(maas_session_options **options);
MAAS_API maas_status maas_session_options_close(maas_session_options *options);

/**
 * Sets an option by name. The names, with their values and defaults:
 *
 *   threads               the most threads one run uses; default 0: see maas_pool_set_threads()
 *   optimization          "none", "basic" (keeps every bit of the results), "all" (default)
 *   memory_limit          bytes one run may use besides inputs, outputs and weights; default 0: no limit
 *   plan_cache_limit      bytes of run memory kept for input shapes seen before; default 268435456
 *   copy                  "true" to read the model's files into memory instead of mapping them: slower, but
 *                         the file may then be overwritten while the model is open; default "false"
 *   external_data_folder  where a model from memory finds its external data; default: refuse such models
 *   rebuild               "true" to compile m.maas anew from m.onnx beside it when it is missing, damaged, or
 *                         for another CPU or version; default "false": refuse it
 *
 * MAAS_NOT_FOUND: no option of this name (the message suggests the nearest one).
 * MAAS_INVALID_ARGUMENT: the value is none the option allows (the message says which are).
 */
MAAS_API maas_status maas_session_options_set(maas_session_options *options, const char *name,
                                              const char *value);

/** The value of an option as text, also when it was never set. The text lives until the next call on
 * `options`. */
MAAS_API maas_status maas_session_options_get(const maas_session_options *options, const char *name,
                                              const char **value);

typedef enum maas_optimization {
  MAAS_OPTIMIZATION_NONE = 0,
  MAAS_OPTIMIZATION_BASIC = 1,
  MAAS_OPTIMIZATION_ALL = 2,
  MAAS_OPTIMIZATION_ENUM_IS_INT = 0x7fffffff /**< Not a level: fixes the size of the enum. */
} maas_optimization;

/** The same as the options of these names, with typed values. */
MAAS_API maas_status maas_session_options_set_threads(maas_session_options *options, size_t threads);
MAAS_API maas_status maas_session_options_set_optimization(maas_session_options *options,
                                                           maas_optimization level);
MAAS_API maas_status maas_session_options_set_memory_limit(maas_session_options *options, uint64_t bytes);
MAAS_API maas_status maas_session_options_set_copy(maas_session_options *options, int copy);

/**
 * Operators for the models that are opened with these options, which keep them; NULL for none. A session made of
 * a model that is open already has that model's.
 */
MAAS_API maas_status maas_session_options_set_operators(maas_session_options *options,
                                                        const maas_operators *operators);

/* ---- Models -------------------------------------------------------------------------------------------- */

/**
 * Loads a model file. The file is mapped, not copied: it must not be truncated or overwritten while the model
 * is open (replacing it by a rename is fine), or else set the option `copy`. External data is looked for
 * beside the file and nowhere else. Of the options, only `copy` and the operators matter here; `options` may be
 * NULL. MAAS_NOT_FOUND, MAAS_IO_ERROR, MAAS_INVALID_MODEL, MAAS_UNSUPPORTED, MAAS_OUT_OF_MEMORY,
 * MAAS_LIMIT_EXCEEDED.
 */
MAAS_API maas_status maas_model_open(const char *path, const maas_session_options *options,
                                     maas_model **model);

/**
 * Loads a model from `size` bytes at `bytes`. They are used in place, and must stay unchanged until `release`
 * is called with `context` (`release` may be NULL for memory that outlives the model). With the option `copy`
 * they are copied and released before the function returns. After a failure the bytes still belong to the
 * caller: `release` is not called. Errors as maas_model_open().
 */
MAAS_API maas_status maas_model_open_memory(const void *bytes, size_t size,
                                            const maas_session_options *options, maas_release release,
                                            void *context, maas_model **model);

/** Closes the handle. The model's memory goes when its last session and value are closed, too. */
MAAS_API maas_status maas_model_close(maas_model *model);

/** How many inputs a run may be given. Initializers that also stand in the input list are not counted. */
MAAS_API maas_status maas_model_input_count(const maas_model *model, size_t *count);
MAAS_API maas_status maas_model_output_count(const maas_model *model, size_t *count);

/** The input or output at `index`, in the model's order. The value belongs to the model. */
MAAS_API maas_status maas_model_input(const maas_model *model, size_t index, const maas_value_info **value);
MAAS_API maas_status maas_model_output(const maas_model *model, size_t index, const maas_value_info **value);

/** The index of the input or output called `name`. MAAS_NOT_FOUND (with the nearest name). */
MAAS_API maas_status maas_model_input_index(const maas_model *model, const char *name, size_t *index);
MAAS_API maas_status maas_model_output_index(const maas_model *model, const char *name, size_t *index);

/** Which text of a model maas_model_text() gives. */
typedef enum maas_model_field {
  MAAS_MODEL_PRODUCER_NAME = 0,
  MAAS_MODEL_PRODUCER_VERSION = 1,
  MAAS_MODEL_DOMAIN = 2,
  MAAS_MODEL_DESCRIPTION = 3,
  MAAS_MODEL_GRAPH_NAME = 4,
  MAAS_MODEL_GRAPH_DESCRIPTION = 5,
  MAAS_MODEL_FIELD_ENUM_IS_INT = 0x7fffffff /**< Not a field: fixes the size of the enum. */
} maas_model_field;

/** A text from the model file; "" when the file does not have it. MAAS_INVALID_ARGUMENT: no such field. */
MAAS_API maas_status maas_model_text(const maas_model *model, maas_model_field field, const char **text);

/** `model_version` of the file (the producer's own count; 0 if absent) and its ONNX IR version. */
MAAS_API maas_status maas_model_version(const maas_model *model, int64_t *version);
MAAS_API maas_status maas_model_ir_version(const maas_model *model, int64_t *version);

/** The operator sets the model imports. The default ONNX domain is "". `domain` or `version` may be NULL. */
MAAS_API maas_status maas_model_opset_count(const maas_model *model, size_t *count);
MAAS_API maas_status maas_model_opset(const maas_model *model, size_t index, const char **domain,
                                      int64_t *version);

/** The model's own key/value pairs (`metadata_props`), in file order. `key` or `value` may be NULL. */
MAAS_API maas_status maas_model_metadata_count(const maas_model *model, size_t *count);
MAAS_API maas_status maas_model_metadata(const maas_model *model, size_t index, const char **key,
                                         const char **value);

/* ---- Values: what an input or output looks like -------------------------------------------------------- */

MAAS_API maas_status maas_value_info_name(const maas_value_info *value, const char **name);
MAAS_API maas_status maas_value_info_dtype(const maas_value_info *value, maas_dtype *dtype);

/** The number of dimensions, or -1 when the model leaves it open. */
MAAS_API maas_status maas_value_info_rank(const maas_value_info *value, int64_t *rank);

/**
 * One dimension. A fixed one: `*size` is its number and `*symbol` is NULL. An open one: `*size` is -1 and
 * `*symbol` its name or expression, e.g. "N" or "2*height + 1", or "" when it has none. Dimensions with the
 * same symbol are equal in every run. `size` or `symbol` may be NULL. MAAS_INVALID_ARGUMENT: axis >= rank.
 */
MAAS_API maas_status maas_value_info_dim(const maas_value_info *value, size_t axis, int64_t *size,
                                         const char **symbol);

/**
 * The type as ONNX writes it: "tensor(float)", "seq(tensor(int64))", "optional(tensor(float))",
 * "map(string,tensor(float))"; "" when the model leaves it open. The element type, rank and dimensions above are
 * those of the tensors inside.
 */
MAAS_API maas_status maas_value_info_type(const maas_value_info *value, const char **type);

/* ---- Tensors ------------------------------------------------------------------------------------------- */

/**
 * A tensor with memory of its own, zeroed and aligned to 64 bytes. `shape` has `rank` sizes, none negative;
 * it may be NULL for rank 0 (one element). MAAS_SHAPE_MISMATCH: negative or too large. MAAS_TYPE_MISMATCH:
 * not a type with elements of a fixed size. MAAS_OUT_OF_MEMORY.
 */
MAAS_API maas_status maas_tensor_create(maas_dtype dtype, const int64_t *shape, size_t rank,
                                        maas_tensor **tensor);

/** A tensor with a copy of `bytes` bytes at `data`; errors as maas_tensor_borrow(). */
MAAS_API maas_status maas_tensor_copy(maas_dtype dtype, const int64_t *shape, size_t rank, const void *data,
                                      size_t bytes, maas_tensor **tensor);

/**
 * A tensor over the caller's memory, without a copy: `bytes` bytes at `data`, row-major without gaps, in the
 * machine's byte order, aligned to one element. The memory must stay valid until `release` is called with
 * `context` (`release` may be NULL). maas writes to it only when the tensor is used as an output. `data` may
 * be NULL when the tensor has no elements. MAAS_BUFFER_TOO_SMALL: fewer bytes than dtype and shape need.
 * MAAS_INVALID_ARGUMENT: badly aligned. After a failure `release` is not called.
 */
MAAS_API maas_status maas_tensor_borrow(maas_dtype dtype, const int64_t *shape, size_t rank, void *data,
                                        size_t bytes, maas_release release, void *context,
                                        maas_tensor **tensor);

MAAS_API maas_status maas_tensor_close(maas_tensor *tensor);

MAAS_API maas_status maas_tensor_dtype(const maas_tensor *tensor, maas_dtype *dtype);

/** The sizes, outermost first. `shape` or `rank` may be NULL. `*shape` is never NULL, also for rank 0. */
MAAS_API maas_status maas_tensor_shape(const maas_tensor *tensor, const int64_t **shape, size_t *rank);

/** The number of elements: the product of the sizes. */
MAAS_API maas_status maas_tensor_elements(const maas_tensor *tensor, size_t *elements);

/**
 * The elements and how many bytes they take; `data` or `bytes` may be NULL. The memory may be written by who
 * made the tensor or got it from a run.
 */
MAAS_API maas_status maas_tensor_data(const maas_tensor *tensor, void **data, size_t *bytes);

/**
 * A tensor of strings, which are copied: `count` of them, the product of the sizes. String i is `lengths[i]`
 * bytes at `strings[i]`, or ends with a zero byte when `lengths` is NULL. Other functions that make tensors refuse
 * MAAS_DTYPE_STRING. MAAS_SHAPE_MISMATCH: another count than the shape's.
 */
MAAS_API maas_status maas_tensor_create_strings(const int64_t *shape, size_t rank, const char *const *strings,
                                                const size_t *lengths, size_t count, maas_tensor **tensor);

/** The bytes that an item is as a string, good until the call returns, and their number; NULL when it is none. */
typedef const char *(*maas_string_reader)(void *item, size_t *length);

/**
 * As maas_tensor_create_strings() for strings of another language: string i is what `read` says of `items[i]`.
 * MAAS_INVALID_ARGUMENT: an item is NULL, or no string.
 */
MAAS_API maas_status maas_tensor_read_strings(const int64_t *shape, size_t rank, void *const *items,
                                              maas_string_reader read, size_t count, maas_tensor **tensor);

/**
 * One string of a tensor of strings: its bytes, which need not end with a zero byte and belong to the tensor, and
 * their number. MAAS_TYPE_MISMATCH: no tensor of strings. MAAS_INVALID_ARGUMENT: no such index.
 */
MAAS_API maas_status maas_tensor_string(const maas_tensor *tensor, size_t index, const char **bytes,
                                        size_t *length);

/**
 * All strings of a tensor of strings in a buffer of `capacity` bytes, one after the other, each with a zero byte
 * behind it; `*bytes` is what they take together. With NULL for `buffer` it only tells that. MAAS_TYPE_MISMATCH: no
 * tensor of strings. MAAS_BUFFER_TOO_SMALL.
 */
MAAS_API maas_status maas_tensor_strings(const maas_tensor *tensor, char *buffer, size_t capacity,
                                         size_t *bytes);

/** Makes something of `length` bytes, which need not end with a zero byte; NULL when it cannot. */
typedef void *(*maas_string_function)(const char *bytes, size_t length, const char *context);

/**
 * What `make` gives for each string of a tensor of strings, in `results`, which has a place for each: for languages
 * with strings of their own. `context` is passed on. MAAS_TYPE_MISMATCH: no tensor of strings. MAAS_OUT_OF_MEMORY:
 * `make` gave NULL; `results` has what it gave before.
 */
MAAS_API maas_status maas_tensor_map_strings(const maas_tensor *tensor, maas_string_function make,
                                             const char *context, void **results);

/* ---- Values: tensors, sequences, optionals, maps -------------------------------------------------------- */

/** Models whose inputs or outputs are not all tensors are run with maas_session_run_values(). */
typedef enum maas_value_kind {
  MAAS_VALUE_TENSOR = 0,
  MAAS_VALUE_SEQUENCE = 1,                 /**< Any number of values of one type. */
  MAAS_VALUE_OPTIONAL = 2,                 /**< A value or nothing. */
  MAAS_VALUE_MAP = 3,                      /**< Numbers or strings as keys, each with one element. */
  MAAS_VALUE_KIND_ENUM_IS_INT = 0x7fffffff /**< Not a kind: fixes the size of the enum. */
} maas_value_kind;

/** Values are made of others, which they keep and which may be closed at once. */
MAAS_API maas_status maas_value_of_tensor(const maas_tensor *tensor, maas_value **value);
MAAS_API maas_status maas_value_sequence(const maas_value *const *elements, size_t count, maas_value **value);
/** `content` NULL: nothing. */
MAAS_API maas_status maas_value_optional(const maas_value *content, maas_value **value);
/** `keys` (int64 or string) and `elements` are tensors of rank 1 and equal length. MAAS_SHAPE_MISMATCH. */
MAAS_API maas_status maas_value_map(const maas_tensor *keys, const maas_tensor *elements, maas_value **value);
MAAS_API maas_status maas_value_close(maas_value *value);

MAAS_API maas_status maas_value_get_kind(const maas_value *value, maas_value_kind *kind);

/** How many values a sequence has; 0 or 1 for an optional; 1 for a tensor or map. */
MAAS_API maas_status maas_value_count(const maas_value *value, size_t *count);

/** A new handle for a value in a sequence or optional. MAAS_INVALID_ARGUMENT: none with this index. */
MAAS_API maas_status maas_value_element(const maas_value *value, size_t index, maas_value **element);

/** A new handle for the tensor that the value is. MAAS_TYPE_MISMATCH: it is none. */
MAAS_API maas_status maas_value_tensor(const maas_value *value, maas_tensor **tensor);

/** New handles for a map's keys and elements; either may be NULL. MAAS_TYPE_MISMATCH: it is no map. */
MAAS_API maas_status maas_value_map_entries(const maas_value *value, maas_tensor **keys,
                                            maas_tensor **elements);

/* ---- Run options --------------------------------------------------------------------------------------- */

/** One object may serve any number of runs, also at the same time. */
MAAS_API maas_status maas_run_options_create(maas_run_options **options);
MAAS_API maas_status maas_run_options_close(maas_run_options *options);

/**
 * A run that has not finished `nanoseconds` after its start stops with MAAS_DEADLINE_EXCEEDED, within the
 * time of one step. 0 means no deadline. MAAS_INVALID_ARGUMENT: negative.
 */
MAAS_API maas_status maas_run_options_set_deadline(maas_run_options *options, int64_t nanoseconds);

/**
 * Stops all runs that use these options, and lets later ones fail at once, with MAAS_CANCELLED, until
 * maas_run_options_reset(). May be called from any thread and in a signal handler while runs go on.
 */
MAAS_API maas_status maas_run_options_cancel(maas_run_options *options);
MAAS_API maas_status maas_run_options_reset(maas_run_options *options);

/* ---- Sessions ------------------------------------------------------------------------------------------ */

/** Makes a model ready to run. Sessions of one model share its weights. `options` may be NULL.
 * MAAS_INVALID_MODEL, MAAS_UNSUPPORTED, MAAS_OUT_OF_MEMORY, MAAS_LIMIT_EXCEEDED. */
MAAS_API maas_status maas_session_create(const maas_model *model, const maas_session_options *options,
                                         maas_session **session);

/** maas_model_open() and maas_session_create() in one. */
MAAS_API maas_status maas_session_open(const char *path, const maas_session_options *options,
                                       maas_session **session);

/** maas_model_open_memory() and maas_session_create() in one. */
MAAS_API maas_status maas_session_open_memory(const void *bytes, size_t size,
                                              const maas_session_options *options, maas_release release,
                                              void *context, maas_session **session);

MAAS_API maas_status maas_session_close(maas_session *session);

/** A new handle of the session's model; close it with maas_model_close(). */
MAAS_API maas_status maas_session_model(const maas_session *session, maas_model **model);

/**
 * Runs the model once and returns when the outputs are there.
 *
 * Inputs: `inputs[i]` is the input called `input_names[i]`. With `input_names` NULL they are taken by index:
 * `inputs[i]` is input i of the model. Inputs are used where they are and not changed. Every input must be
 * given once. `inputs` may be NULL when `input_count` is 0.
 *
 * Outputs: only those asked for are computed. `output_names` NULL means output i of the model. Where
 * `outputs[i]` is NULL on entry, it receives a new tensor that the caller closes; where it is a tensor, that
 * one's memory receives the result, and its dtype and shape must be those of the result. So the array must be
 * initialized. `outputs` may be NULL when `output_count` is 0; then the inputs are checked and nothing is
 * computed. An output can be asked for once. Its memory may be that of inputs, which are then overwritten when
 * all of them have been read, but not that of another output: MAAS_INVALID_ARGUMENT.
 * After a failure no entry of `outputs` is changed; the memory of tensors in it is undefined.
 *
 * `options` may be NULL. Any number of threads may run one session at once.
 * MAAS_NOT_FOUND, MAAS_MISSING_INPUT, MAAS_TYPE_MISMATCH, MAAS_SHAPE_MISMATCH, MAAS_OUT_OF_RANGE,
 * MAAS_OUT_OF_MEMORY, MAAS_LIMIT_EXCEEDED, MAAS_CANCELLED, MAAS_DEADLINE_EXCEEDED.
 */
MAAS_API maas_status maas_session_run(maas_session *session, const maas_run_options *options,
                                      const char *const *input_names, const maas_tensor *const *inputs,
                                      size_t input_count, const char *const *output_names,
                                      maas_tensor **outputs, size_t output_count);

/**
 * As maas_session_run() for inputs and outputs of any kind. Outputs are new handles; the pointers that `outputs`
 * holds before the call are not looked at. A tensor is taken where an optional tensor is wanted.
 */
MAAS_API maas_status maas_session_run_values(maas_session *session, const maas_run_options *options,
                                             const char *const *input_names, const maas_value *const *inputs,
                                             size_t input_count, const char *const *output_names,
                                             maas_value **outputs, size_t output_count);

/** What maas_session_statistic() counts. "Plan" is the one used or made last. */
typedef enum maas_statistic {
  MAAS_STATISTIC_STEPS = 0,       /**< Steps of the plan. */
  MAAS_STATISTIC_ARENA_BYTES = 1, /**< Bytes one run of the plan needs besides inputs, outputs and weights. */
  MAAS_STATISTIC_PACKED_BYTES = 2, /**< Bytes of weights rearranged for the kernels; shared by the model. */
  MAAS_STATISTIC_PLANS = 3,        /**< Plans in the cache. */
  MAAS_STATISTIC_RUNS = 4,         /**< Runs finished since the session was made. */
  MAAS_STATISTIC_ALLOCATIONS = 5,  /**< Tensors for results that the last run allocated. */
  MAAS_STATISTIC_ENUM_IS_INT = 0x7fffffff /**< Not a statistic: fixes the size of the enum. */
} maas_statistic;

/** MAAS_INVALID_ARGUMENT: no such statistic. Before the first plan the values are 0. */
MAAS_API maas_status maas_session_statistic(const maas_session *session, maas_statistic which,
                                            int64_t *value);

/** Starts recording the time of every step of every run of the session. MAAS_BUSY: it already does. */
MAAS_API maas_status maas_session_profile_start(maas_session *session);

/**
 * Stops recording and gives the trace in Chrome's JSON format (a row per step: operator, node, shapes,
 * kernel; one without these for each thread that helped). Written to the file `path` unless that is NULL,
 * and to `*text` unless `text` is NULL; release it with maas_text_free(). MAAS_NOT_READY: no recording.
 * MAAS_IO_ERROR: the recording is kept for another try.
 */
MAAS_API maas_status maas_session_profile_stop(maas_session *session, const char *path, char **text);

/* ---- Bindings ------------------------------------------------------------------------------------------ */

/**
 * Inputs and outputs that stay the same over many runs. All checks and name look-ups are done when something
 * is bound; once a run with the same bindings went through, maas_binding_run() allocates nothing.
 * One thread at a time; a call while another thread is in maas_binding_run() gives MAAS_BUSY. Threads that
 * run at the same time need a binding each; bindings of one session share everything else.
 */
MAAS_API maas_status maas_binding_create(maas_session *session, maas_binding **binding);
MAAS_API maas_status maas_binding_close(maas_binding *binding);

/**
 * Binds a tensor, which the binding keeps until it is replaced. The tensor's memory is read at each run:
 * write new values there between runs. MAAS_NOT_FOUND, MAAS_TYPE_MISMATCH, MAAS_SHAPE_MISMATCH.
 */
MAAS_API maas_status maas_binding_set_input(maas_binding *binding, const char *name,
                                            const maas_tensor *tensor);

/** Binds memory instead of a tensor; it must stay valid until replaced. Errors as maas_tensor_borrow(), too.
 */
MAAS_API maas_status maas_binding_set_input_buffer(maas_binding *binding, const char *name, maas_dtype dtype,
                                                   const int64_t *shape, size_t rank, const void *data,
                                                   size_t bytes);

/**
 * Binds the tensor whose memory receives an output at each run; dtype and shape must be those of the result.
 * With NULL the memory is allocated by maas and used again by each run, which is also how outputs start that
 * were never bound. Memory of inputs may be given, as to maas_session_run().
 * MAAS_NOT_FOUND, MAAS_TYPE_MISMATCH, MAAS_SHAPE_MISMATCH.
 */
MAAS_API maas_status maas_binding_set_output(maas_binding *binding, const char *name, maas_tensor *tensor);

/**
 * Binds `bytes` bytes at `data` for an output of whatever shape; maas_binding_output() tells the shape after
 * the run. A run whose result is larger gives MAAS_BUFFER_TOO_SMALL; one whose result cannot be at this address,
 * which is not a multiple of an element's size, MAAS_INVALID_ARGUMENT.
 */
MAAS_API maas_status maas_binding_set_output_buffer(maas_binding *binding, const char *name, void *data,
                                                    size_t bytes);

/** Forgets all inputs, or gives all outputs back to maas. */
MAAS_API maas_status maas_binding_clear_inputs(maas_binding *binding);
MAAS_API maas_status maas_binding_clear_outputs(maas_binding *binding);

/** Runs once with what is bound; `options` may be NULL. Errors as maas_session_run(). */
MAAS_API maas_status maas_binding_run(maas_binding *binding, const maas_run_options *options);

/**
 * A new handle for an output of the last run, with its shape; close it. It shows the bound memory, so the
 * next run of this binding overwrites its elements. MAAS_NOT_FOUND. MAAS_NOT_READY: the last run failed, or
 * there was none since the output was bound.
 */
MAAS_API maas_status maas_binding_output(const maas_binding *binding, const char *name, maas_tensor **tensor);

/* ---- Operators of the caller's own ---------------------------------------------------------------------- */

/**
 * Operators for nodes of domains other than ai.onnx; models are opened with them, see
 * maas_session_options_set_operators(). Any number of options, models and threads may use one object; what is
 * added counts for models opened afterwards.
 */
MAAS_API maas_status maas_operators_create(maas_operators **operators);
MAAS_API maas_status maas_operators_close(maas_operators *operators);

/**
 * What maas calls for a node, on the thread that opens the model or runs the session, possibly on several threads
 * at once. `context` is what was given together with the function. `node`, and what is got from it, is valid
 * until the callback returns and must not be closed.
 *
 * The callback returns MAAS_OK, or why not: then the call of maas that led here fails with that status. Its
 * message has file, node and operator, and after them the text of maas_error_set() or of the call that failed
 * inside the callback. A callback may call maas; more than 16 callbacks inside one another on a thread are
 * refused with MAAS_LIMIT_EXCEEDED.
 */
typedef maas_status (*maas_operator_callback)(void *context, maas_node *node);

/**
 * Adds the operator `name` of `domain` as it is from version `since_version` of the domain on (1 or more), up to
 * the next version that is added. It goes before a function of the model and before an operator of maas.
 *
 * shape    Says what every output is: maas_node_set_shape(). Called when a model is opened, with what can be known
 *          of the inputs then, and again for each set of input shapes that is run.
 * compute  Makes the outputs: maas_node_output(), maas_node_set_output(). Called once in each run that needs them.
 * release  Called with `context` when all is closed that may use the operator; may be NULL. Not called after a
 *          failure.
 *
 * MAAS_INVALID_ARGUMENT: the name is empty; the domain is "" or "ai.onnx"; the version is less than 1 or was added
 * before.
 */
MAAS_API maas_status maas_operators_add(maas_operators *operators, const char *domain, const char *name,
                                        int64_t since_version, maas_operator_callback shape,
                                        maas_operator_callback compute, maas_release release, void *context);

/** How many inputs and outputs the node has, those left out before others included. */
MAAS_API maas_status maas_node_input_count(const maas_node *node, size_t *count);
MAAS_API maas_status maas_node_output_count(const maas_node *node, size_t *count);

/**
 * What is known of an input; NULL for one that is left out. In `compute`, and in `shape` for a run, all dimensions
 * are numbers. An open one has a symbol here even when the model does not name it.
 */
MAAS_API maas_status maas_node_input_info(const maas_node *node, size_t index, const maas_value_info **info);

/**
 * The tensor that an input is, not to be written to; NULL for one that is left out. In `shape` NULL, too, unless
 * the model has it as a constant.
 */
MAAS_API maas_status maas_node_input(const maas_node *node, size_t index, const maas_tensor **tensor);

/**
 * In `shape`: says what an output is. `shape[axis]` is -1 for a dimension that is not known yet: then
 * `symbols[axis]` may be a name or a symbol of an input, so that equal dimensions are known to be equal. `symbols`
 * and its entries may be NULL. `rank` -1: not even the rank is known; `shape` may then be NULL.
 *
 * What is not known for a run although all inputs are is decided by `compute`, and so it is for strings. Otherwise
 * the output has its place in the plan, and a run allocates nothing for it.
 *
 * MAAS_INVALID_ARGUMENT: not in `shape`; no such index. MAAS_TYPE_MISMATCH, MAAS_SHAPE_MISMATCH.
 */
MAAS_API maas_status maas_node_set_shape(maas_node *node, size_t index, maas_dtype dtype,
                                         const int64_t *shape, const char *const *symbols, int64_t rank);

/**
 * In `compute`: the tensor to write an output to, not cleared. NULL for an output that nobody wants, and for one
 * that maas_node_set_output() must give. The run fails when an output that somebody reads is neither asked for here
 * nor given there. MAAS_INVALID_ARGUMENT: not in `compute`; no such index.
 */
MAAS_API maas_status maas_node_output(const maas_node *node, size_t index, maas_tensor **tensor);

/**
 * In `compute`: gives an output, which must be of the dtype and shape that `shape` said, as far as it did. An output
 * that has its place gets a copy, others are the tensor itself, which must not change afterwards and is closed by
 * who made it. MAAS_TYPE_MISMATCH, MAAS_SHAPE_MISMATCH. MAAS_INVALID_ARGUMENT: not in `compute`; no such index.
 */
MAAS_API maas_status maas_node_set_output(maas_node *node, size_t index, const maas_tensor *tensor);

/**
 * The value of an attribute as a tensor: of rank 0 for an int (int64), a float or a string, of rank 1 for ints,
 * floats or strings, or the tensor that it is. MAAS_NOT_FOUND: the node does not have it.
 */
MAAS_API maas_status maas_node_attribute(const maas_node *node, const char *name, const maas_tensor **value);

/**
 * The value of an int, float or string. MAAS_NOT_FOUND: the node does not have it; `*value` stays as it is, so it
 * may hold the default. A string is `*length` bytes and ends with a zero byte; `length` may be NULL.
 * MAAS_TYPE_MISMATCH: the attribute is of another kind.
 */
MAAS_API maas_status maas_node_int(const maas_node *node, const char *name, int64_t *value);
MAAS_API maas_status maas_node_float(const maas_node *node, const char *name, float *value);
MAAS_API maas_status maas_node_string(const maas_node *node, const char *name, const char **value,
                                      size_t *length);

/* ---- Quantization -------------------------------------------------------------------------------------- */

/**
 * How to quantize a model, with default values. The Embedded build of maas quantizes no models: there all functions of
 * this section give MAAS_UNSUPPORTED.
 */
MAAS_API maas_status maas_quantization_create(maas_quantization **quantization);
MAAS_API maas_status maas_quantization_close(maas_quantization *quantization);

/**
 * Sets an option by name. The names, with their values and defaults:
 *
 *   mode              "dynamic" (default): weights are bytes, inputs of layers become bytes at each run;
 *                     "static": what flows between layers is bytes too, by ranges that samples show;
 *                     "weights": only weights, in blocks
 *   bits              of a weight: 8 (default), and in the mode weights also 4 or 2
 *   block             in the mode weights: how many weights share a scale: 16, 32 (default), 64 or 128
 *   symmetric         in the mode weights: "true" for no zero points; default "false"
 *   method            how a range is made of what samples show: "minmax" (default), "entropy", "percentile", "mse"
 *   exclude           the name of a node that stays as it is; each call adds one
 *   error_budget      the most the outputs may be off on the samples: the error's root mean square as a part of
 *                     theirs, e.g. "0.005"; where there are labels, the most accuracy that may be lost. Layers that
 *                     take too much are left float. "0" (default): no budget
 *   sqnr              the least ratio of signal to error of the outputs in decibels; "0" (default): any
 *   keep_only_faster  "true" to quantize only layers that are then faster on this machine, and only if the
 *                     whole model is; default "false"
 *   threads           the most threads of a run; default 0: every CPU the process may use
 *
 * MAAS_NOT_FOUND: no option of this name. MAAS_INVALID_ARGUMENT: the value is none the option allows.
 */
MAAS_API maas_status maas_quantization_set(maas_quantization *quantization, const char *name,
                                           const char *value);

/** The right class of every sample, which is copied: accuracy before and after is then reported. */
MAAS_API maas_status maas_quantization_set_labels(maas_quantization *quantization, const int64_t *labels,
                                                  size_t count);

/**
 * Gives the inputs of sample `index` with maas_sample_set(), none of them when there is no such sample. Called on the
 * thread that calls maas_quantize(), with indices from 0 up to the first without a sample, several times over: samples
 * need not be kept in memory. Returns MAAS_OK, or why not: then maas_quantize() fails with that status and the
 * message of maas_error_set().
 */
typedef maas_status (*maas_sample_callback)(void *context, size_t index, maas_sample *sample);

/** Where samples come from: inputs like those the model will see. `callback` NULL: there are none. */
MAAS_API maas_status maas_quantization_set_samples(maas_quantization *quantization,
                                                   maas_sample_callback callback, void *context);

/** Gives an input of the sample, in its callback. The tensor may be closed afterwards, but must not change before the
 * next sample is asked for. */
MAAS_API maas_status maas_sample_set(maas_sample *sample, const char *name, const maas_tensor *tensor);

/**
 * Quantizes the ONNX model in the file `model` and writes the result, an ONNX model again, to the file `output`: whole,
 * or not at all after a failure. `quantization` NULL stands for the defaults. `*report` is what became of each layer
 * and of the whole, as JSON; give it back with maas_text_free(). `report` may be NULL.
 *
 * MAAS_INVALID_ARGUMENT: options that do not go together, no samples, labels of another count. MAAS_NOT_FOUND: a node
 * to exclude, or an input of a sample, that the model does not have. MAAS_OUT_OF_RANGE: NaN or infinity in a sample; a
 * value that is 0 in all samples. MAAS_UNSUPPORTED: nothing to quantize. And what opening and running models gives.
 */
MAAS_API maas_status maas_quantize(const char *model, const char *output,
                                   const maas_quantization *quantization, char **report);

/* ---- Training ------------------------------------------------------------------------------------------ */

/**
 * How to train, with default values. The Embedded build of maas trains nothing: there all functions of this section
 * give MAAS_UNSUPPORTED. Options are read when a trainer is made, and may be closed afterwards.
 */
MAAS_API maas_status maas_trainer_options_create(maas_trainer_options **options);
MAAS_API maas_status maas_trainer_options_close(maas_trainer_options *options);

/**
 * Sets an option by name. The names, with their values and defaults:
 *
 *   loss             "mse" (default), "mae", "huber", "cross-entropy", "bce", "hinge", "kl". Cross-entropy and kl look
 *                    at scores of classes, bce at scores of yes-or-no questions: where the model ends in Softmax or
 *                    Sigmoid, at what comes before it
 *   huber_delta      where huber's square becomes a line; default 1
 *   label_smoothing  the part of a class's probability that is spread over all classes; default 0
 *   class_weights    a number for each class, with commas between them
 *   update_rule      "sgd", "adam" (default), "adamw", "adagrad", "rmsprop", "lamb", "lion"
 *   momentum, nesterov, beta1, beta2, epsilon   of the update rule; set them after it
 *   learning_rate    default 0.001
 *   schedule         "constant" (default), "step", "exponential", "cosine", "one-cycle", "plateau"
 *   schedule_factor, schedule_period, schedule_end   of the schedule; set them after it
 *   warm_up          steps in which the learning rate rises to its value; default 0
 *   weight_decay, l1, l2   penalties; default 0
 *   clip_norm        the largest norm of all gradients together; default 0: any
 *   clip_value       the largest magnitude of an element of a gradient; default 0: any
 *   accumulate       batches whose gradients are averaged for a step, fewer with their part; default 1
 *   ema              how slowly an average of the parameters follows them, which evaluation and export then use
 *   batch_size       samples of a step of maas_trainer_fit(); default 32
 *   epochs           how often maas_trainer_fit() goes through the data; default 100
 *   shuffle          "true" (default) for another order of the samples in each epoch
 *   validation_split the last part of the data, when maas_trainer_fit() is given none for validation; default 0
 *   patience         epochs without a better loss after which training ends, with the best parameters; default 0: never
 *   min_delta        what a better loss is better by; default 0
 *   seed             all random numbers follow from it; default 0
 *   threads          the most threads of a step; default 0: every CPU the process may use. No result depends on it
 *   freeze           names of parameters that stay as they are, with commas between them; * stands for anything
 *   lora_rank        rank of the small matrices that are trained beside large ones; default 0: none, whole matrices are
 *   lora_alpha, lora_patterns   what their product is scaled by, over the rank; names of the weights they are for
 *
 * MAAS_NOT_FOUND: no option of this name (the message suggests the nearest one).
 * MAAS_INVALID_ARGUMENT: the value is none the option allows.
 */
MAAS_API maas_status maas_trainer_options_set(maas_trainer_options *options, const char *name,
                                              const char *value);

/**
 * A trainer of a new network. `network` is its text, one layer a line:
 *
 *   input 64
 *   dense 128 activation=relu
 *   dropout 0.1
 *   dense 10
 *
 * docs/training.md has all layers. Shapes are those of one sample. `options` may be NULL. MAAS_INVALID_ARGUMENT,
 * MAAS_SHAPE_MISMATCH: the text is wrong; the message has the line. MAAS_OUT_OF_RANGE: options.
 *
 * One thread at a time may use a trainer; a call while another thread is inside one gives MAAS_BUSY.
 */
MAAS_API maas_status maas_trainer_create(const char *network, const maas_trainer_options *options,
                                         maas_trainer **trainer);

/**
 * A trainer of an ONNX model, from a file or from `size` bytes, which are copied, to train it further: its float
 * weights except those that `freeze` names, or small matrices beside them with `lora_rank`. The loss looks at the
 * model's first output of floats that depends on them, see maas_trainer_output_name(). Errors as maas_model_open();
 * MAAS_UNSUPPORTED: there is no such output, or an operator between it and the weights has no derivative;
 * MAAS_INVALID_ARGUMENT: there is nothing to train.
 */
MAAS_API maas_status maas_trainer_open(const char *path, const maas_trainer_options *options,
                                       maas_trainer **trainer);
MAAS_API maas_status maas_trainer_open_memory(const void *bytes, size_t size,
                                              const maas_trainer_options *options, maas_trainer **trainer);

MAAS_API maas_status maas_trainer_close(maas_trainer *trainer);

/** The name of the output that is trained and predicted. It belongs to the trainer. */
MAAS_API maas_status maas_trainer_output_name(const maas_trainer *trainer, const char **name);

/** Sets an option that may change between calls: `epochs`, `batch_size`, `shuffle`, `validation_split` or
 * `learning_rate`. Errors as maas_trainer_options_set(); MAAS_BUSY in a callback. */
MAAS_API maas_status maas_trainer_set(maas_trainer *trainer, const char *name, const char *value);

/**
 * Samples in memory: `features[i]` is for input i of the model, `targets` what its output shall be, with the samples
 * along the first dimension of each. Features of other types than the inputs are converted by the calls that use them:
 * floats are rounded to floats, all else must not change its value, or the call gives MAAS_TYPE_MISMATCH. Targets are
 * floats, or int64 with a class for each sample. `weights` is a float for each sample, or NULL. The tensors are kept,
 * not copied, and must not change while a call uses the data.
 * MAAS_SHAPE_MISMATCH: not the same number of samples.
 */
MAAS_API maas_status maas_dataset_create(const maas_tensor *const *features, size_t feature_count,
                                         const maas_tensor *targets, const maas_tensor *weights,
                                         maas_dataset **data);
MAAS_API maas_status maas_dataset_close(maas_dataset *data);

/**
 * One step with all samples of `batch`: forward, backward, update. `*loss` is the loss before it; `loss` may be NULL.
 * MAAS_TYPE_MISMATCH, MAAS_SHAPE_MISMATCH. MAAS_OUT_OF_RANGE: a class that is none; a loss that is no finite number
 * (the message has the step and the layer): the trainer is then as before. MAAS_INVALID_ARGUMENT: no samples.
 */
MAAS_API maas_status maas_trainer_step(maas_trainer *trainer, const maas_dataset *batch, float *loss);

/**
 * Hears of each epoch, on the thread that calls maas_trainer_fit(). `epoch` is valid until it returns. Not 0 ends the
 * training. It may call functions that read the trainer; those that train, change or close it give MAAS_BUSY.
 */
typedef int (*maas_epoch_callback)(void *context, const maas_epoch *epoch);

/**
 * A number of an epoch: "epoch" (counted from 1), "learning_rate", those of maas_trainer_metric_name(), and where
 * there is something to validate with, these with "validation_" before them. MAAS_NOT_FOUND: there is no such number.
 */
MAAS_API maas_status maas_epoch_number(const maas_epoch *epoch, const char *name, double *value);

/**
 * Trains with `data` for so many epochs as the option says. `validation` is what each epoch is judged by, or NULL.
 * `callback` may be NULL. Errors as maas_trainer_step(). MAAS_INVALID_ARGUMENT: no samples.
 */
MAAS_API maas_status maas_trainer_fit(maas_trainer *trainer, const maas_dataset *data,
                                      const maas_dataset *validation, maas_epoch_callback callback,
                                      void *context);

/**
 * The numbers called `name` of all epochs of the last maas_trainer_fit(), as maas_epoch_number() has them: the first
 * `capacity` of them in `values`, which may be NULL, and in `*count` how many there are. MAAS_NOT_FOUND.
 */
MAAS_API maas_status maas_trainer_history(const maas_trainer *trainer, const char *name, double *values,
                                          size_t capacity, size_t *count);

/**
 * What maas_trainer_evaluate() measures: 0 is "loss"; with losses of classes come "accuracy", "precision", "recall",
 * "f1" (means over classes) and "roc_auc", with others "mse", "mae" and "r2". NULL beyond the last.
 */
MAAS_API maas_status maas_trainer_metric_name(const maas_trainer *trainer, size_t index, const char **name);

/** The loss and the metrics of `data`, as many as `capacity`, in the order of maas_trainer_metric_name().
 * NaN is what these data do not tell. */
MAAS_API maas_status maas_trainer_evaluate(maas_trainer *trainer, const maas_dataset *data, double *values,
                                           size_t capacity);

/** The trained output for `features`, as maas_session_run() gives it: a new tensor, which the caller closes. */
MAAS_API maas_status maas_trainer_predict(maas_trainer *trainer, const maas_tensor *const *features,
                                          size_t feature_count, maas_tensor **output);

/**
 * How many parameters there are, with running statistics of normalizations behind them, and the name of one. The name
 * belongs to the trainer.
 */
MAAS_API maas_status maas_trainer_parameter_count(const maas_trainer *trainer, size_t *count);
MAAS_API maas_status maas_trainer_parameter_name(const maas_trainer *trainer, size_t index,
                                                 const char **name);

/** A copy of a parameter; the caller closes it. MAAS_NOT_FOUND. */
MAAS_API maas_status maas_trainer_parameter(const maas_trainer *trainer, const char *name,
                                            maas_tensor **value);

/** Gives a parameter the elements of a tensor, which are copied. MAAS_NOT_FOUND, MAAS_TYPE_MISMATCH,
 * MAAS_SHAPE_MISMATCH; MAAS_BUSY in a callback. */
MAAS_API maas_status maas_trainer_set_parameter(maas_trainer *trainer, const char *name,
                                                const maas_tensor *value);

/**
 * Writes all that the rest of a training depends on to a file: whole, or not at all. A callback of maas_trainer_fit()
 * may do so. maas_trainer_restore() brings a trainer of the same network and options to that place; maas_trainer_fit()
 * then finishes what it was in, with the result that it would have had, to the last bit. The options `threads` and
 * `epochs` may differ. MAAS_IO_ERROR. MAAS_INVALID_MODEL: the file is no checkpoint, or is damaged.
 * MAAS_INVALID_ARGUMENT: it is of another network or of other options. The trainer is then as before.
 */
MAAS_API maas_status maas_trainer_save(const maas_trainer *trainer, const char *path);
MAAS_API maas_status maas_trainer_restore(maas_trainer *trainer, const char *path);

/** Writes the trained network as an ONNX model: whole, or not at all. MAAS_IO_ERROR. */
MAAS_API maas_status maas_trainer_export(const maas_trainer *trainer, const char *path);

/** The same in memory: the file's bytes as a tensor of uint8, which the caller closes. */
MAAS_API maas_status maas_trainer_export_memory(const maas_trainer *trainer, maas_tensor **bytes);

#ifdef __cplusplus
}
#endif

#endif
