/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Every node that a version shows, each once; to free them all, or to add them up. */
#ifndef GM_MAP_NODES_H
#define GM_MAP_NODES_H

#include "map/map.h"

typedef void gm_node_visitor(void *context, const struct gm_node *node);

/* Not the version itself. A node may be freed as it is visited. */
void gm_version_each_node(const struct gm_version *version, gm_node_visitor *visit, void *context);

#endif
