/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The bookkeeping of core/space/retire.c over a series of commits, some of which wait for readers and some do not:
 * which nodes lie in `retired`, which in `blocked`, and when either list is looked at again. The Relacy model next to
 * this file covers the orders of single loads and stores for one or two commits; here every step is sequentially
 * consistent, and what is explored is three commits, with holds that last across any number of them.
 *
 * Versions are 1..4. There is one node for each [birth, death) that three commits can give, so that no choice of
 * what a commit changes is left out. Each reader pins, looks, and may keep a counted snapshot beyond its pin, and may
 * count the one that it holds once more.
 *
 * Checked: no version that a reader can see, pinned or held, shows a freed node or is freed itself; nothing is freed
 * twice; and when all holds are put, one reclaim frees everything that is dead.
 *
 * Mutants, by -D: NO_GRACE, EARLY_GRACE, LATE_HOLD, NEWEST_ONLY, BLOCKED_FOREVER, FORGET_RETIRED.
 */
#define VERSIONS 4
#define READERS 2
#define NODES 6

byte current = 1;
byte holders[5];
bool old[5];           /* by version: no longer current, not freed */
bool version_freed[5];
byte birth[NODES];
byte death[NODES];
bool retired[NODES];
bool blocked[NODES];
bool freed[NODES];

bool pinned[READERS];
bit pin_parity[READERS]; /* tells a later pin from the one that was there; the writer waits for one at a time */
byte done;

/* What a reader finds when it looks at all of a version. */
inline look(version)
{
    d_step {
        assert(!version_freed[version]);
        n = 0;
        do
        :: n < NODES ->
            assert(!(birth[n] <= version && version < death[n] && freed[n]));
            n++
        :: else -> break
        od;
        n = 0
    }
}

proctype reader(byte me)
{
    byte version, holds, n, round;
    do
    :: round < 2 ->
        round++;
        pinned[me] = true;
        version = current;
        look(version);
        if
#ifdef LATE_HOLD
        :: pinned[me] = false;
            holders[version]++;
            holds = 1
#else
        :: holders[version]++; /* gm_snapshot_take inside the pin */
            holds = 1
#endif
        :: skip
        fi;
        atomic {
            pinned[me] = false;
            pin_parity[me] = 1 - pin_parity[me]
        }
        if
        :: holds == 1 ->
            look(version);
            holders[version]++; /* who holds may take */
            look(version);
            holders[version]--
        :: else
        fi;
        if
        :: holds == 1 ->
            look(version);
            holders[version]--
        :: else
        fi;
        holds = 0
    :: else -> break
    od;
    done++
}

/* Wait until each reader that is pinned now has unpinned once. */
inline grace_period()
{
    r = 0;
    do
    :: r < READERS ->
        atomic { was_pinned = pinned[r]; parity = pin_parity[r] }
        !was_pinned || !pinned[r] || pin_parity[r] != parity;
        r++
    :: else -> break
    od
}

inline is_shown(node)
{
    shown = false;
#ifdef NEWEST_ONLY
    v = death[node] - 1;
#else
    v = birth[node];
#endif
    do
    :: v < death[node] -> shown = shown || old[v]; v++
    :: else -> break
    od
}

inline free_node(node)
{
    assert(!freed[node]);
    freed[node] = true
}

/* gm_retire_wait without the waiting; the lists are the writer's own, only the holders are shared */
inline sweep()
{
    gone = false;
    v = 1;
    do
    :: v <= VERSIONS ->
        if
        :: old[v] && holders[v] == 0 ->
            d_step {
                assert(!version_freed[v]);
                version_freed[v] = true;
                old[v] = false;
                gone = true
            }
        :: else
        fi;
        v++
    :: else -> break
    od;
    v = 0; /* a loop may not end right in front of a d_step */
    d_step {
        i = 0;
        do
        :: i < NODES ->
            is_shown(i);
            if
#ifdef BLOCKED_FOREVER
            :: false -> skip
#else
            :: blocked[i] && gone && !shown -> blocked[i] = false; free_node(i)
#endif
            :: else
            fi;
            if
            :: retired[i] && shown -> retired[i] = false; blocked[i] = true
            :: retired[i] && !shown -> retired[i] = false; free_node(i)
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0;
        v = 0;
        shown = false;
        gone = false
    }
}

inline reclaim()
{
#ifndef NO_GRACE
#ifndef EARLY_GRACE
    grace_period();
#endif
#endif
    sweep()
}

inline publish(version)
{
#ifdef EARLY_GRACE
    grace_period();
#endif
    current = version;
    d_step {
        i = 0;
        do
        :: i < NODES ->
            if
#ifdef FORGET_RETIRED
            :: death[i] == version && birth[i] + 1 != version -> retired[i] = true
#else
            :: death[i] == version -> retired[i] = true
#endif
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0;
        old[version - 1] = true
    }
}

proctype writer()
{
    byte next = 2, r, v, i;
    bool was_pinned, shown, gone;
    bit parity;
    do
    :: next <= VERSIONS ->
        publish(next);
        if
        :: reclaim()
        :: skip /* GM_COMMIT_ASYNC */
        fi;
        next++
    :: else -> break
    od;
    done == READERS; /* all holds are put; now one reclaim has to be enough */
    reclaim();
    i = 0;
    do
    :: i < NODES -> assert(freed[i] && !blocked[i] && !retired[i]); i++
    :: else -> break
    od;
    v = 1;
    do
    :: v < VERSIONS -> assert(version_freed[v] && !old[v]); v++
    :: else -> break
    od;
    assert(!version_freed[VERSIONS])
}

init {
    atomic {
        birth[0] = 1; death[0] = 2;
        birth[1] = 1; death[1] = 3;
        birth[2] = 1; death[2] = 4;
        birth[3] = 2; death[3] = 3;
        birth[4] = 2; death[4] = 4;
        birth[5] = 3; death[5] = 4;
        run reader(0);
        run reader(1);
        run writer()
    }
}
