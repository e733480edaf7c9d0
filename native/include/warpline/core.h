/* Core of the C ABI: status, errors, tensors, launches, devices, options, host memory.
 *
 * Rules that hold everywhere
 * - Every function returns a wl_status, except pure queries. Nothing aborts, exits or throws.
 * - A struct begins with `struct_size`, set by the caller to sizeof the struct it was compiled with. Fields
 * are only ever appended; zero means default or absent. Bytes beyond the size that the library knows must be
 * zero, else WL_STATUS_UNSUPPORTED; output structs are written only up to the caller's size.
 * - A tensor whose dtype is WL_DTYPE_NONE is absent; a tensor with a zero extent is empty and its data may be
 * NULL.
 * - Reduced precision (float16, bfloat16) means that sums are kept in float32.
 */
#ifndef WARPLINE_CORE_H
#define WARPLINE_CORE_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#if defined(WL_BUILDING_LIBRARY)
#define WL_API __declspec(dllexport)
#else
#define WL_API __declspec(dllimport)
#endif
#else
#define WL_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define WL_VERSION_MAJOR 0
#define WL_VERSION_MINOR 1
#define WL_VERSION_PATCH 0
/* Raised when an existing function or struct changes its meaning; appended functions and fields do not raise
 * it. */
#define WL_ABI_VERSION 1

typedef int32_t wl_status;
enum {
  WL_STATUS_OK = 0,
  WL_STATUS_INVALID_ARGUMENT = 1, /* a parameter breaks a documented rule; wl_last_error() names it */
  WL_STATUS_UNSUPPORTED = 2,      /* legal, but not served by this library, device or version */
  WL_STATUS_OUT_OF_MEMORY = 3,    /* memory of the host or of the device could not be had */
  WL_STATUS_NO_DEVICE = 4,        /* the device of the launch does not exist for this library */
  WL_STATUS_INTERNAL = 5          /* a defect of the library; wl_last_error() holds what is known */
};

enum {
  WL_DTYPE_NONE = 0, /* the tensor is absent */
  WL_DTYPE_FLOAT32 = 1,
  WL_DTYPE_FLOAT16 = 2,
  WL_DTYPE_BFLOAT16 = 3,
  WL_DTYPE_INT32 = 4 /* indices, offsets and lengths */
};

#define WL_MAX_RANK 6

/* A view of memory that the caller owns. Strides count elements and may be zero (broadcast inputs) or free,
 * unless the op says otherwise; entries of shape and strides past `rank` are ignored. 128 bytes, frozen. */
typedef struct wl_tensor {
  void* data;
  int32_t dtype;
  int32_t rank;
  int64_t shape[WL_MAX_RANK];
  int64_t strides[WL_MAX_RANK];
  uint64_t reserved[2]; /* zero */
} wl_tensor;

enum { WL_DEVICE_CPU = 0, WL_DEVICE_CUDA = 1 };

/* Launch flags. */
enum {
  /* A row's bits depend only on its own inputs and its absolute position: not on the batch, on chunking or on
   * the kernel that serves it. May cost speed. */
  WL_FLAG_BATCH_INVARIANT = 1u << 0
};

/* Where an op runs. NULL in place of a launch means the CPU; a library that was built without the CPU
 * backend answers UNSUPPORTED to either. On the CPU `stream` must be NULL, the workspace
 * is not used (scratch memory is the library's, see wl_scratch_bytes), and the op is done when the call
 * returns.
 * On CUDA the op is enqueued on `stream`, a cudaStream_t of any origin (NULL: the legacy default stream), and the device
 * must be the calling thread's current one: the library works in the caller's context and does not change it. All
 * tensors and index arrays lie in memory of the device; offsets, lengths, positions, ids and settings are not readable to
 * the host there, so their contents are not checked. Memory must stay valid until the op is done. The workspace is
 * scratch memory of the device, aligned to 256 bytes, as large as the op's wl_X_workspace_size says where it has one;
 * ops that may run at the same time need one each. */
typedef struct wl_launch {
  uint32_t struct_size;
  int32_t device_kind;
  int32_t device_index;
  uint32_t flags;
  void* stream;
  void* workspace;
  uint64_t workspace_bytes;
} wl_launch;

typedef struct wl_device_info {
  uint32_t struct_size;
  int32_t kind;
  int32_t index;
  int32_t compute_units; /* CPU: logical processors that the process may use; CUDA: multiprocessors */
  uint64_t memory_bytes; /* total memory of the device */
  char name[128];        /* NUL-terminated UTF-8 */
  char isa[32]; /* CPU: instruction set in use: avx2, avx512 or avx512_bf16; CUDA: sm_80 for instance */
} wl_device_info;

/* Text of the library's version, "major.minor.patch".
 * Shapes: none. Types: NUL-terminated ASCII. Units: none. Alignment: none.
 * Threads: any. Determinism: constant. Errors: none; never NULL.
 * Reference: WL_VERSION_MAJOR, WL_VERSION_MINOR, WL_VERSION_PATCH. */
WL_API const char* wl_version(void);

/* The WL_ABI_VERSION that the library was built with. A loader checks it once.
 * Shapes: none. Types: int32. Units: none. Alignment: none. Threads: any.
 * Determinism: constant. Errors: none. Reference: WL_ABI_VERSION. */
WL_API int32_t wl_abi_version(void);

/* Name of a status, "invalid argument" for instance; "unknown status" for a value that is not one.
 * Shapes: none. Types: NUL-terminated ASCII. Units: none. Alignment: none.
 * Threads: any. Determinism: constant. Errors: none; never NULL. Reference: the WL_STATUS_* list. */
WL_API const char* wl_status_string(wl_status status);

/* What went wrong in the calling thread's latest failed call: "function: parameter is value; must be
 * requirement".
 * Shapes: none.
 * Types: NUL-terminated UTF-8, valid until the thread's next failed call.
 * Units: none. Alignment: none. Threads: thread-local.
 * Determinism: a pure function of the failed call.
 * Errors: none; "" before the first failure. A successful call leaves it as it was.
 * Reference: none. */
WL_API const char* wl_last_error(void);

/* Name of the parameter that wl_last_error() complains of, "x.shape[1]" for instance; "" where no single one
 * is.
 * Shapes: none.
 * Types: NUL-terminated ASCII, valid until the thread's next failed call.
 * Units: none. Alignment: none. Threads: thread-local.
 * Determinism: a pure function of the failed call. Errors: none. Reference: none. */
WL_API const char* wl_last_error_parameter(void);

/* Name of the kernel that served the calling thread's latest op, "gemm.tiles.avx512.float32" for instance.
 * Shapes: none.
 * Types: NUL-terminated ASCII, a static string. Units: none. Alignment: none.
 * Threads: thread-local.
 * Determinism: a pure function of the op's parameters, options and device.
 * Errors: none; "" before the first op. Reference: docs/kernels. */
WL_API const char* wl_last_kernel(void);

/* Number of blocks from wl_host_alloc and wl_device_alloc that are not freed yet, and of streams, events and graphs that
 * are not destroyed.
 * Shapes: none. Types: int64. Units: handles. Alignment: none. Threads: any.
 * Determinism: exact. Errors: none. Reference: none. */
WL_API int64_t wl_live_handles(void);

/* Number of devices of a kind that this library can run on.
 * Shapes: none. Types: count is int32. Units: devices. Alignment: none. Threads: any.
 * Determinism: constant for the process.
 * Errors: INVALID_ARGUMENT for an unknown kind or a NULL count. A library without CUDA, and a machine without
 * a driver or a GPU, count 0 CUDA devices: wl_device_get_info says why.
 * Reference: none. */
WL_API wl_status wl_device_count(int32_t kind, int32_t* count);

/* Describes one device. The caller sets info->struct_size.
 * Shapes: none. Types: wl_device_info. Units: memory in bytes. Alignment: none.
 * Threads: any.
 * Determinism: constant, except `isa`, which follows the option "cpu_isa".
 * Errors: INVALID_ARGUMENT for an unknown kind or NULL info; NO_DEVICE for an index outside [0, count), and
 * where there is no driver or no GPU; UNSUPPORTED for a GPU that the library holds no code for,
 * and for the CPU in a library that was built without its backend.
 * Reference: none. */
WL_API wl_status wl_device_get_info(int32_t kind, int32_t index, wl_device_info* info);

/* Sets a process-wide option. The value "auto" restores the default, which is the environment variable's
 * value at load time where it is set and legal, else the library's own choice. An illegal value in the
 * environment makes every call that needs the option fail, with an error that names the variable, until the
 * option is set.
 *   name              environment                values
 *   threads           WARPLINE_THREADS           1 to 256: bodies that the CPU backend runs at once, over all
 *                                                callers
 *   cpu_isa           WARPLINE_CPU_ISA           avx2, avx512, avx512_bf16: at most what the machine has
 *   gemm.kernel       WARPLINE_GEMM_KERNEL       rows, tiles: force the product's kernel where it can serve
 *                                                the call
 *   attention.kernel  WARPLINE_ATTENTION_KERNEL  tiles, split: force the attention kernel
 * Shapes: none. Types: NUL-terminated ASCII. Units: see the table. Alignment: none.
 * Threads: any; a call that is running keeps the value that it started with.
 * Determinism: results do not depend on "threads"; they may depend on the others.
 * Errors: INVALID_ARGUMENT for an unknown name or an illegal value; UNSUPPORTED for an instruction set that
 * the machine lacks. The option then keeps its value.
 * Reference: none. */
WL_API wl_status wl_set_option(const char* name, const char* value);

/* Reads an option's value in force into a buffer, NUL-terminated ("threads" gives the number, "cpu_isa" the
 * set in use; a forced kernel that is not set reads "auto").
 * Shapes: value holds value_bytes bytes. Types: NUL-terminated ASCII. Units: bytes.
 * Alignment: none. Threads: any. Determinism: exact.
 * Errors: INVALID_ARGUMENT for an unknown name, a NULL buffer or one that is too small (32 bytes always
 * suffice).
 * Reference: wl_set_option. */
WL_API wl_status wl_get_option(const char* name, char* value, uint64_t value_bytes);

/* Allocates host memory, counted by wl_live_handles(). Zero bytes give a legal, unusable address.
 * Shapes: none. Types: bytes, not initialised. Units: bytes. Alignment: 256 bytes.
 * Threads: any.
 * Determinism: none promised for addresses.
 * Errors: INVALID_ARGUMENT for a NULL result; OUT_OF_MEMORY where the system refuses.
 * Reference: none. */
WL_API wl_status wl_host_alloc(uint64_t bytes, void** result);

/* Frees memory of wl_host_alloc; NULL is a no-op.
 * Shapes: none. Types: none. Units: none. Alignment: none.
 * Threads: any; no op may still use the memory. Determinism: exact.
 * Errors: INVALID_ARGUMENT for an address that is not live (a second free, or memory of another allocator).
 * Reference: none. */
WL_API wl_status wl_host_free(void* memory);

/* Bytes of scratch memory that the CPU backend keeps for its next calls.
 * Shapes: none. Types: uint64. Units: bytes. Alignment: none. Threads: any.
 * Determinism: grows with the largest calls so far. Errors: none. Reference: wl_trim. */
WL_API uint64_t wl_scratch_bytes(void);

/* Gives back scratch memory that no running call uses, and freed device memory that is kept for the next allocation.
 * Shapes: none. Types: none. Units: none. Alignment: none. Threads: any.
 * Determinism: results are not affected. Errors: INTERNAL where CUDA fails. Reference: wl_scratch_bytes. */
WL_API wl_status wl_trim(void);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* WARPLINE_CORE_H */
