/* Warpline: attention, products and the rest of a transformer behind a C ABI. MIT licence.
 *
 * One header per op family. Every op is `wl_status wl_X(const wl_X_params* params, const wl_launch* at)`:
 * a parameter struct that begins with its own size, and one launch struct that says where to run.
 */
#ifndef WARPLINE_WARPLINE_H
#define WARPLINE_WARPLINE_H

#include <warpline/attention.h>
#include <warpline/core.h>
#include <warpline/device.h>
#include <warpline/elementwise.h>
#include <warpline/gemm.h>
#include <warpline/kv_cache.h>
#include <warpline/sampling.h>

#endif /* WARPLINE_WARPLINE_H */
