# Text of a compiled stack, part 3: many points over many windows.


@njit(**INNER)
def run_window(
    m,
    table,
    rows,
    first,
    p,
    cuts,
    start_memory,
    b1,
    b2,
    desk,
    blocks,
    scratch,
    regimes,
    row,
    sums,
    regime_sums,
    path,
):
    """Run one point over the bars ``cuts[0]:cuts[-1]`` and write its metrics, slice and regime sums.

    A `path` that is not empty takes the per-bar returns.
    """
    equities, nets, places = blocks
    returns, exposures = scratch
    cash0 = p.portfolio.initial_cash
    memory = load_memory(start_memory, 0)
    ready = ready_at(first, rows, 0)
    if SINGLE:
        state = new_account(cash0), FLAT, NO_ORDER, memory, cash0
    else:
        open_desk(desk, first, rows, memory)
        state = new_account(cash0), cash0, False
    moments = start(cash0)
    begin = cuts[0]
    active = 0
    if path.size > 0:
        path[: cuts[-1] - begin] = 0.0
    regime_sums[:] = 0.0
    j = 0
    for left in range(begin, cuts[-1], BLOCK):
        right = min(left + BLOCK, cuts[-1])
        if SINGLE:
            state, k = trade_one(m, table, rows, p, begin, left, right, ready, state, blocks)
        else:
            state, k = trade_many(m, table, rows, p, begin, left, right, desk, state, blocks)
        moments, held_bars, j = measure(
            moments,
            equities[: k + 1],
            nets[:k],
            places,
            m.benchmark,
            right,
            cuts,
            j,
            sums,
            returns,
            exposures,
        )
        active += held_bars
        if regime_sums.size > 0:
            split(equities[: k + 1], nets[:k], places, returns, regimes, regime_sums)
        if path.size > 0:
            for i in range(k):
                path[places[i] - begin] = returns[i]
    account, equity = (state[0], state[4]) if SINGLE else (state[0], state[1])
    moments = rest(moments, cuts[-1])
    finish(moments, account, cuts[-1] - begin, active, cash0, equity, b1, b2, m.bars_per_year, row)


@njit(**INNER)
def open_desk(desk, first, rows, memory):
    """Make every symbol flat and fresh."""
    book, orders, memories, ready = desk
    for s in range(book.shape[0]):
        store_position(book, s, FLAT)
        store_order(orders, s, NO_ORDER)
        store_memory(memories, s, memory)
        ready[s] = ready_at(first, rows, s)


@njit(cache=True, **KERNEL)
def sweep(
    m,
    table,
    first,
    ix,
    values,
    memory,
    cuts,
    offsets,
    b1,
    b2,
    full,
    regimes,
    begin,
    end,
    control,
    out,
    sums,
    regime_sums,
    path,
):
    """Run points ``begin:end`` over every window; the one at `full` is split by regime.

    Returns
    -------
    int
        The first point not done: `end`, or less when ``control[0]`` was set by somebody else.
    """
    n = m.share.size
    desk = (np.empty((n, 8)), np.empty((n, 8)), np.empty((n, memory.shape[1])), np.empty(n, np.int64))
    blocks = np.empty(BLOCK + 1), np.empty(BLOCK), np.empty(BLOCK, np.int64)
    scratch = np.empty(BLOCK), np.empty(BLOCK)
    no_sums = np.empty((0, 4))
    for i in range(begin, end):
        if control[0] != 0:
            return i
        control[1] = i
        p = read_params(values, i)
        rows = read_rows(ix, i)
        for w in range(offsets.size - 1):
            run_window(
                m,
                table,
                rows,
                first,
                p,
                cuts[offsets[w] : offsets[w + 1]],
                memory,
                b1[w],
                b2[w],
                desk,
                blocks,
                scratch,
                regimes,
                out[i, w],
                sums[i, w],
                regime_sums[i] if w == full else no_sums,
                path,
            )
            if TAIL:
                n_bars = cuts[offsets[w + 1] - 1] - cuts[offsets[w]]
                tail(path[:n_bars], out[i, w, len(out[i, w]) - 3 :])
    return end
