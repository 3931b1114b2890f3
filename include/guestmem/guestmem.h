/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Everything at once; each header below also compiles alone. */
#ifndef GUESTMEM_GUESTMEM_H
#define GUESTMEM_GUESTMEM_H

#include <guestmem/access.h>
#include <guestmem/access_atomic.h>
#include <guestmem/access_bulk.h>
#include <guestmem/access_fd.h>
#include <guestmem/api.h>
#include <guestmem/arena.h>
#include <guestmem/arena_cache.h>
#include <guestmem/arena_defer.h>
#include <guestmem/arena_image.h>
#include <guestmem/arena_nest.h>
#include <guestmem/arena_query.h>
#include <guestmem/arena_txn.h>
#include <guestmem/backing.h>
#include <guestmem/backing_create.h>
#include <guestmem/backing_memory.h>
#include <guestmem/boot.h>
#include <guestmem/dirty.h>
#include <guestmem/dirty_harvest.h>
#include <guestmem/dirty_merge.h>
#include <guestmem/endian.h>
#include <guestmem/ids.h>
#include <guestmem/layout.h>
#include <guestmem/mark.h>
#include <guestmem/recover.h>
#include <guestmem/region.h>
#include <guestmem/slice.h>
#include <guestmem/slice_array.h>
#include <guestmem/slice_atomic.h>
#include <guestmem/space.h>
#include <guestmem/space_memory.h>
#include <guestmem/translate.h>
#include <guestmem/types.h>
#include <guestmem/view.h>
#include <guestmem/virtqueue.h>
#include <guestmem/virtqueue_event.h>
#include <guestmem/virtqueue_packed.h>
#include <guestmem/virtqueue_ring.h>
#include <guestmem/watch.h>

#endif
