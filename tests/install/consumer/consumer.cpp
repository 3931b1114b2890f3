// SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause
//
// The same program in C++: headers that only a C compiler has read are not headers for C++.
#include "consumer.c"
