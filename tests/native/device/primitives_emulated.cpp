// The same kernels as C++.
#include "device/primitives.cu"
