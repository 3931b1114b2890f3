/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A balanced tree under a readers-writer lock: what a map that changes looks like in a program that does not
 * do RCU. The tree is built once from sorted ranges, so it is perfectly balanced, which no red-black or AVL
 * tree that lived through insertions would be: the competitor is a little better than the real thing.
 */
#include "competitor.h"

#include <pthread.h>
#include <stdlib.h>

struct node {
    struct node *left, *right;
    struct bench_ram range;
};

struct tree {
    pthread_rwlock_t lock;
    struct node *root;
    struct node *nodes;
};

static uint64_t descend(const struct node *node, uint64_t gpa)
{
    while (node != NULL) {
        uint64_t distance = gpa - node->range.gpa;
        if (gpa < node->range.gpa)
            node = node->left;
        else if (distance >= node->range.size)
            node = node->right;
        else
            return bench_inside(distance, node->range.size) ? node->range.hva + distance : 0;
    }
    return 0;
}

BENCH_TRANSLATE uint64_t tree_translate(struct tree *self, uint64_t gpa)
{
    pthread_rwlock_rdlock(&self->lock);
    uint64_t hva = descend(self->root, gpa);
    pthread_rwlock_unlock(&self->lock);
    return hva;
}

BENCH_LOOPS(tree)

/* Nodes are taken in the order in which a search meets them, so that its first steps share cache lines. */
static struct node *grow(struct node **next, const struct bench_ram *ranges, size_t count)
{
    size_t middle = count / 2;
    struct node *node;

    if (count == 0)
        return NULL;
    node = (*next)++;
    node->range = ranges[middle];
    node->left = grow(next, ranges, middle);
    node->right = grow(next, ranges + middle + 1, count - middle - 1);
    return node;
}

void *bench_tree_build(const struct bench_ram *ranges, size_t count)
{
    struct tree *self = calloc(1, sizeof(*self));
    struct node *nodes = calloc(count, sizeof(*nodes));
    struct node *next = nodes;

    if (self == NULL || nodes == NULL || pthread_rwlock_init(&self->lock, NULL) != 0) {
        free(nodes);
        free(self);
        return NULL;
    }
    self->nodes = nodes;
    self->root = grow(&next, ranges, count);
    return self;
}

void bench_tree_destroy(void *self)
{
    struct tree *tree = self;

    pthread_rwlock_destroy(&tree->lock);
    free(tree->nodes);
    free(tree);
}
