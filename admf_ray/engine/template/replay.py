# Text of a compiled stack, part 4: the steps one at a time, on arrays, as the replay calls them.
# `a` is the account's array, `book` and `orders` hold a row for each symbol, `v` and `ix` one point.


@njit(cache=True, **KERNEL)
def carry_at(t, m, v, a, book):
    """Charge financing for the days since the bar before; returns the amount."""
    p = read_params(v, 0)
    account = load_account(a)
    shorts = 0.0
    for s in range(book.shape[0]):
        shorts += max(-value_of(s, load_position(book, s), m), 0.0)
    amount = financing(account.cash, shorts, m.day[t] - m.day[t - 1], p.broker)
    store_account(a, charge(account, amount))
    return amount


@njit(cache=True, **KERNEL)
def reduce_at(t, s, m, v, equity, a, book, orders):
    """Run `reduce_step`; returns its fill."""
    p = read_params(v, 0)
    account, position, order, fill = reduce_step(
        t, s, load_bar(m, t, s), m, equity, load_account(a), load_position(book, s), load_order(orders, s), p
    )
    store_account(a, account)
    store_position(book, s, position)
    store_order(orders, s, order)
    return fill


@njit(cache=True, **KERNEL)
def need_at(s, m, v, orders):
    """Cash an OPENING order asks for."""
    return opening_need(s, load_order(orders, s), m, read_params(v, 0))


@njit(cache=True, **KERNEL)
def funds_at(m, v, a, book):
    """(free cash, equity at the last marks)."""
    p = read_params(v, 0)
    free, worth = a[0], a[0]
    for s in range(book.shape[0]):
        value = value_of(s, load_position(book, s), m)
        free -= margin_held(value, p.portfolio)
        worth += value
    return free, worth


@njit(cache=True, **KERNEL)
def open_at(t, s, scale, free, worth, m, table, ix, v, equity, a, book, orders):
    """Run `open_step`; returns its fill."""
    p = read_params(v, 0)
    atr = distance(table, read_rows(ix, 0), t - 1, s)
    account, position, order, fill = open_step(
        t,
        s,
        scale,
        free,
        worth,
        m,
        equity,
        load_account(a),
        load_position(book, s),
        load_order(orders, s),
        p,
        atr,
    )
    store_account(a, account)
    store_position(book, s, position)
    store_order(orders, s, order)
    return fill


@njit(cache=True, **KERNEL)
def protect_at(t, s, m, table, ix, v, equity, a, book, orders):
    """Run `protect_step`; returns its fill."""
    p = read_params(v, 0)
    atr = distance(table, read_rows(ix, 0), t, s)
    account, position, order, fill = protect_step(
        t,
        s,
        load_bar(m, t, s),
        m,
        equity,
        load_account(a),
        load_position(book, s),
        load_order(orders, s),
        p,
        atr,
    )
    store_account(a, account)
    store_position(book, s, position)
    store_order(orders, s, order)
    return fill


@njit(cache=True, **KERNEL)
def close_at(t, s, m, v, equity, a, book, orders):
    """Run `close_step`; returns its fill."""
    p = read_params(v, 0)
    account, position, order, fill = close_step(
        t, s, load_bar(m, t, s), m, equity, load_account(a), load_position(book, s), load_order(orders, s), p
    )
    store_account(a, account)
    store_position(book, s, position)
    store_order(orders, s, order)
    return fill


@njit(cache=True, **KERNEL)
def mark_at(t, m, v, a, book):
    """Mark every position; returns (equity, margin required)."""
    p = read_params(v, 0)
    equity = a[0]
    required = 0.0
    for s in range(book.shape[0]):
        position = load_position(book, s)
        if not GAPS or at(m.tradable, t, s) != 0:
            position = mark_step(at(m.close, t, s), position)
            store_position(book, s, position)
        value = value_of(s, position, m)
        equity += value
        required += required_margin(value, p.portfolio)
    return equity, required


@njit(cache=True, **KERNEL)
def decide_at(t, s, table, ix, v, book, memories):
    """Ask the strategy for its weight."""
    p = read_params(v, 0)
    holds = held(t, load_position(book, s))
    weight, memory = decide(table, read_rows(ix, 0), t, s, holds, p, load_memory(memories, s))
    store_memory(memories, s, memory)
    return weight


@njit(cache=True, **KERNEL)
def admit_at(k, t, s, weight, table, ix, v, book, memories):
    """Ask filter `k` for the weight it admits."""
    p = read_params(v, 0)
    holds = held(t, load_position(book, s))
    weight, memory = admit_one(k, table, read_rows(ix, 0), t, s, weight, holds, p, load_memory(memories, s))
    store_memory(memories, s, memory)
    return weight


@njit(cache=True, **KERNEL)
def propose_at(t, s, weight, equity, m, table, ix, v, book, orders):
    """Propose an order where the weight asks for one; returns (whether, absolute money value)."""
    p = read_params(v, 0)
    rows = read_rows(ix, 0)
    position = load_position(book, s)
    weight = admitted(weight, position)
    close = at(m.close, t, s)
    if not wants_order(t, s, weight, equity, close, position, m, p, table, rows):
        return False, 0.0
    position, order = propose_step(t, s, weight, equity, close, position, m, p, table, rows)
    store_position(book, s, position)
    store_order(orders, s, order)
    return True, abs(order.qty) * close * m.multiplier[s]


@njit(cache=True, **KERNEL)
def others_at(s, m, book, orders):
    """Absolute money value of a symbol that asks for nothing now: what it holds and what waits."""
    position = load_position(book, s)
    order = load_order(orders, s)
    if position.qty + order.qty == 0.0:
        return 0.0
    return abs(position.qty + order.qty) * position.mark * m.multiplier[s]


@njit(cache=True, **KERNEL)
def scale_at(wanted, others, equity, v):
    """Return the common factor of this bar's proposals."""
    return gross_scale(wanted, others, equity, read_params(v, 0))


@njit(cache=True, **KERNEL)
def settle_at(s, scale, equity, m, v, book, orders):
    """Turn a proposal into an order; returns it."""
    p = read_params(v, 0)
    order = settle_step(s, scale, equity, load_position(book, s), load_order(orders, s), m, p)
    store_order(orders, s, order)
    return order


@njit(cache=True, **KERNEL)
def verdict_at(equity, required, v, a):
    """Run `verdict`; returns its reason."""
    account, reason = verdict(equity, required, load_account(a), read_params(v, 0))
    store_account(a, account)
    return reason


@njit(cache=True, **KERNEL)
def exit_at(t, s, reason, m, equity, a, book, orders):
    """Order the exit that a verdict asks for, or close at the mark when ruined; returns the order."""
    position = load_position(book, s)
    order = exit_order(position, reason)
    if reason == RUIN:
        account, position = settle_ruin(t, s, m, equity, load_account(a), position)
        store_account(a, account)
        store_position(book, s, position)
        order = NO_ORDER
    store_order(orders, s, order)
    return order


@njit(cache=True, **KERNEL)
def open_books(cash, a, book, orders, memories, start_memory):
    """Make the account and every symbol flat and fresh."""
    store_account(a, new_account(cash))
    for s in range(book.shape[0]):
        store_position(book, s, FLAT)
        store_order(orders, s, NO_ORDER)
        store_memory(memories, s, load_memory(start_memory, 0))


@njit(cache=True, **KERNEL)
def judge(
    equity,
    nets,
    places,
    cuts,
    last,
    b1,
    b2,
    m,
    v,
    a,
    regimes,
    row,
    sums,
    regime_sums,
    returns,
    exposures,
    path,
):
    """Write the metrics, slice sums and regime sums of a finished run."""
    cash0 = read_params(v, 0).portfolio.initial_cash
    moments, active, _ = measure(
        start(cash0), equity, nets, places, m.benchmark, cuts[-1], cuts, 0, sums, returns, exposures
    )
    if regime_sums.size > 0:
        split(equity, nets, places, returns, regimes, regime_sums)
    moments = rest(moments, cuts[-1])
    n_bars = cuts[-1] - cuts[0]
    finish(moments, load_account(a), n_bars, active, cash0, last, b1, b2, m.bars_per_year, row)
    for i in range(nets.size):
        path[places[i] - cuts[0]] = returns[i]
    tail(path, row[len(row) - 3 :])
